import { Button, Group, SegmentedControl, Switch } from "@mantine/core";
import { IconCopy, IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { memo, useEffect, useRef, useState } from "react";
import type { ConnectionDetails } from "../../../api/connections";
import { clockTime } from "../../../components/clock-time";
import { copyText } from "../../../components/copy-button";
import { notifyDone, notifyProblem } from "../../../components/notify";
import { addLines, type SeenLine } from "../model/lines";
import { badLineWords } from "../model/words";

type Direction = "in" | "out";
const NOTHING: Readonly<Record<Direction, readonly SeenLine[]>> = { in: [], out: [] };

/** The last lines in and out, following; it can be stopped to read them. */
export function LinesPanel({ lines }: { lines: ConnectionDetails["lastLines"] }) {
  const [direction, setDirection] = useState<Direction>("in");
  const [paused, setPaused] = useState<typeof NOTHING>();
  const [onlyBad, setOnlyBad] = useState(false);
  const seen = useRef(NOTHING);
  const last = useRef<ConnectionDetails["lastLines"]>(undefined);
  if (last.current !== lines) {
    last.current = lines;
    seen.current = { in: addLines(seen.current.in, lines.in), out: addLines(seen.current.out, lines.out) };
  }
  const all = (paused ?? seen.current)[direction];
  const shown = onlyBad ? all.filter(({ problem }) => problem !== undefined) : all;
  const copy = async () => {
    const text = shown.map(({ at, line }) => `${at} ${line}`).join("\n");
    if (await copyText(text)) notifyDone(`${shown.length} lines copied`);
    else notifyProblem("Nothing was copied", "This browser does not allow copying.");
  };
  return (
    <section aria-labelledby="lines-title" className="lines">
      <Group justify="space-between" gap="xs" className="section-title">
        <h3 id="lines-title">Lines</h3>
        <SegmentedControl
          aria-label="Direction"
          value={direction}
          onChange={(value) => setDirection(value as Direction)}
          data={[
            { value: "in", label: "Received" },
            { value: "out", label: "Sent" },
          ]}
        />
      </Group>
      <LineList lines={shown} direction={direction} isFollowing={paused === undefined} onlyBad={onlyBad} />
      <Group gap="xs" mt="xs">
        <Button
          variant="default"
          leftSection={paused === undefined ? <IconPlayerPause size={18} aria-hidden="true" /> : <IconPlayerPlay size={18} aria-hidden="true" />}
          onClick={() => setPaused(paused === undefined ? seen.current : undefined)}
          data-testid="pause-lines"
          data-paused={paused !== undefined}
        >
          {paused === undefined ? "Pause" : "Go on"}
        </Button>
        <Button variant="default" leftSection={<IconCopy size={18} aria-hidden="true" />} onClick={() => void copy()} disabled={shown.length === 0} data-testid="copy-lines">
          Copy
        </Button>
        <Switch label="Only those with a problem" checked={onlyBad} onChange={(event) => setOnlyBad(event.currentTarget.checked)} data-testid="only-bad" />
      </Group>
    </section>
  );
}

interface LineListProps {
  lines: readonly SeenLine[];
  direction: Direction;
  isFollowing: boolean;
  onlyBad: boolean;
}

function LineList({ lines, direction, isFollowing, onlyBad }: LineListProps) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const newest = lines.at(-1)?.number;
  useEffect(() => {
    if (isFollowing && isAtEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [newest, isFollowing, direction]);
  const empty = onlyBad ? "None of the last lines has a problem." : direction === "in" ? "Nothing has come yet." : "Nothing has been sent yet.";
  return (
    <div
      ref={box}
      className="line-box"
      // Scrolled with the keyboard too.
      tabIndex={0}
      role="region"
      aria-label={direction === "in" ? "Received lines" : "Sent lines"}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
      }}
      data-testid={`lines-${direction}`}
    >
      {lines.length === 0 ? <p className="muted">{empty}</p> : lines.map((line) => <Line key={line.number} line={line} />)}
    </div>
  );
}

const Line = memo(function Line({ line: { at, line, problem, gap } }: { line: SeenLine }) {
  return (
    <>
      {gap && <div className="muted line-gap">… more lines than can be shown …</div>}
      <div className="line" data-problem={problem}>
        <span className="muted">{clockTime(Date.parse(at))}</span> {line}
        {problem !== undefined && <span className="bad"> — {badLineWords[problem]?.what ?? problem}</span>}
      </div>
    </>
  );
});
