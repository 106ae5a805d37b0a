import type { ReactNode } from "react";
import { isActive, type Notification } from "../signalk/notifications";

/** What a state means to people: its colour comes with its word, never alone. */
export type Tone = "good" | "caution" | "bad" | "severe" | "plain";

/** A word with a dot and a colour that can be read in every theme. */
export function StateBadge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className="state-badge" data-tone={tone}>
      <span className="dot" aria-hidden="true" />
      {children}
    </span>
  );
}

/** The colour of a notification's state. */
export function toneOf(notification: Notification): Tone {
  if (!isActive(notification)) return "good";
  if (notification.state === "emergency") return "severe";
  return notification.state === "alarm" ? "bad" : "caution";
}
