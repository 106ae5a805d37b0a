import { ActionIcon, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy, IconX } from "@tabler/icons-react";
import { useEffect, useState } from "react";

/** Copies `text`; `label` says what it is, as in "Copy path". Works without HTTPS too, as boats are. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [outcome, setOutcome] = useState<"copied" | "failed">();
  useEffect(() => {
    if (outcome === undefined) return undefined;
    const timer = setTimeout(() => setOutcome(undefined), 2_000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const name = outcome === "copied" ? "Copied" : outcome === "failed" ? "This browser does not allow copying" : label;
  const Icon = outcome === "copied" ? IconCheck : outcome === "failed" ? IconX : IconCopy;
  return (
    <Tooltip label={name}>
      <ActionIcon
        variant="subtle"
        aria-label={name}
        onClick={() => void copyText(text).then((done) => setOutcome(done ? "copied" : "failed"))}
      >
        <Icon size={18} aria-hidden="true" />
      </ActionIcon>
    </Tooltip>
  );
}

/** Puts text on the clipboard; false when the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    // Absent on pages that came by plain HTTP.
    if (navigator.clipboard !== undefined) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Refused: the older way may still do.
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
