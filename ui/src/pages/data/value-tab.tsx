import { Button, Group, Stack, Text } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { IconCheck, IconCopy, IconExternalLink } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { pathUrl } from "../../api/values";
import { AgeText } from "../../components/age-text";
import { copyText } from "../../components/copy-button";
import { EmptyState } from "../../components/empty-state";
import { Sparkline } from "../../components/sparkline";
import { StateBadge } from "../../components/state-badge";
import { ZoneBar } from "../../components/zone-bar";
import type { PathRow, Reading } from "../../signalk/vessel-model";
import { usePath, useServerEvent, useTrend } from "../../state/hooks";
import { unitOfPath, useUnitPreferences } from "../../units/use-unit";
import { zoneOf, zoneRange } from "../../units/zones";
import type { DetailProps } from "./detail";
import { dateOf, partsOf } from "./parts";
import { OldDate } from "./path-row";
import { shownReading } from "./preferred";
import { useRate } from "./use-rate";

/** The value of a path, who says so, and how it went. */
export function ValueTab({ path, context }: DetailProps) {
  const { row } = usePath(path, { context });
  const preferred = useServerEvent("LIVEPREFERREDSOURCES");
  if (row === undefined) {
    return <EmptyState title="No value yet" text={`Nothing has said anything about ${path} since this page was opened.`} testId="no-value" />;
  }
  const { reading, isPreferred } = shownReading(row, context === undefined ? preferred : undefined);
  return (
    <Stack gap="md">
      <Now row={row} reading={reading} />
      <TrendOf path={path} context={context} />
      <Sources row={row} shown={reading} isPreferred={isPreferred} />
      <Links path={path} context={context} />
    </Stack>
  );
}

function Now({ row, reading }: { row: PathRow; reading: Reading }) {
  const preferences = useUnitPreferences();
  const parts = partsOf(row, reading.value, preferences);
  const unit = unitOfPath(preferences, row.path, row.meta.units);
  const zone = zoneOf(row.meta.zones, reading.value);
  return (
    <div>
      {row.meta.displayName !== undefined && <div className="path muted">{row.path}</div>}
      <div className="big-value number" data-testid="detail-value">
        {parts.text} <small>{parts.units}</small>
      </div>
      {parts.isConverted && (
        <div className="muted number">
          {parts.siShort} {parts.siUnits}
        </div>
      )}
      <div>
        <AgeText row={row} reading={reading} />
        <OldDate reading={reading} />
      </div>
      {row.meta.description !== undefined && <Text c="dimmed">{row.meta.description}</Text>}
      {row.meta.zones.length > 0 && (
        <Stack gap={4} mt="sm">
          <ZoneBar zones={row.meta.zones} unit={unit} value={reading.value} />
          <Text size="sm">{zone === undefined ? "In no zone: normal" : `In the zone “${zone.state}”, ${zoneRange(zone, unit)}`}</Text>
        </Stack>
      )}
    </div>
  );
}

function TrendOf({ path, context }: { path: string; context: string | undefined }) {
  const points = useTrend(path, { context });
  const { ref, width } = useElementSize();
  const values = useMemo(() => points.map((point) => point.value), [points]);
  const unit = unitOfPath(useUnitPreferences(), path, usePath(path, { context }).meta.units);
  const minutes = points.length < 2 ? 0 : Math.max(1, Math.round(((points.at(-1)?.time ?? 0) - (points[0]?.time ?? 0)) / 60_000));
  return (
    <div ref={ref}>
      {values.length > 1 && width > 0 && (
        <>
          <Sparkline values={values} label={`Trend of ${path}`} width={Math.floor(width)} height={90} />
          <Text size="sm" c="dimmed">
            Seen by this page in {minutes} min: {unit.format(Math.min(...values))} to {unit.format(Math.max(...values))} {unit.symbol}
          </Text>
        </>
      )}
    </div>
  );
}

function Sources({ row, shown, isPreferred }: { row: PathRow; shown: Reading; isPreferred: boolean }) {
  return (
    <section aria-labelledby="sources-title">
      <h3 id="sources-title">Sources</h3>
      <ul className="sources">
        {row.readings.map((reading) => (
          <SourceLine
            key={reading.source}
            row={row}
            reading={reading}
            mark={reading.source !== shown.source || row.readings.length < 2 ? undefined : isPreferred ? "preferred" : "latest"}
          />
        ))}
      </ul>
      {row.readings.length > 1 && !isPreferred && (
        <Text size="sm" c="dimmed">
          No source is preferred: the last to speak is shown.
        </Text>
      )}
    </section>
  );
}

function SourceLine({ row, reading, mark }: { row: PathRow; reading: Reading; mark: "preferred" | "latest" | undefined }) {
  const parts = partsOf(row, reading.value, useUnitPreferences());
  const rate = useRate(reading.count);
  return (
    <li data-testid={`source-${reading.source}`} data-mark={mark}>
      <span className="source-name">
        {reading.source} {mark !== undefined && <StateBadge tone={mark === "preferred" ? "good" : "plain"}>{mark}</StateBadge>}
      </span>
      <span className="number source-value">
        {parts.text} {parts.units}
      </span>
      <span className="muted number">
        {rate} · <AgeText row={row} reading={reading} />
        {reading.timestamp !== undefined && ` · ${timeOf(reading)}`}
      </span>
    </li>
  );
}

/** Time of the value, with its date when that is not today. */
function timeOf(reading: Reading): string {
  const iso = new Date(reading.timestamp ?? 0).toISOString();
  const date = dateOf(reading, Date.now());
  return `${date === "" ? "" : `${date} `}${iso.slice(11, 19)} UTC`;
}

function Links({ path, context }: DetailProps) {
  const url = new URL(pathUrl(path, context), window.location.href).href;
  return (
    <Group gap="xs">
      <CopyText text={path} label="Copy path" testId="copy-path" />
      <CopyText text={url} label="Copy URL" testId="copy-url" />
      <Button variant="default" component="a" href={url} target="_blank" rel="noopener" leftSection={<IconExternalLink size={18} aria-hidden="true" />}>
        Open in the API
      </Button>
    </Group>
  );
}

function CopyText({ text, label, testId }: { text: string; label: string; testId: string }) {
  const [outcome, setOutcome] = useState<boolean>();
  return (
    <Button
      variant="default"
      leftSection={outcome === true ? <IconCheck size={18} aria-hidden="true" /> : <IconCopy size={18} aria-hidden="true" />}
      onClick={() => void copyText(text).then(setOutcome)}
      data-testid={testId}
      data-outcome={outcome}
    >
      {outcome === undefined ? label : outcome ? "Copied" : "This browser does not allow copying"}
    </Button>
  );
}
