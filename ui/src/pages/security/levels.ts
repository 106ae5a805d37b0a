/** Words for what the server calls levels and lifetimes. */
import type { Expiration, Level } from "../../api/security";

export const levelChoices: readonly { value: Level; label: string }[] = [
  { value: "readonly", label: "May read" },
  { value: "readwrite", label: "May read and change" },
  { value: "admin", label: "May do everything" },
];

export function levelText(level: Level | undefined): string {
  return levelChoices.find(({ value }) => value === level)?.label ?? "Unknown level: may do nothing";
}

export const expirationChoices: readonly { value: Expiration; label: string }[] = [
  { value: "1h", label: "for an hour" },
  { value: "1d", label: "for a day" },
  { value: "60d", label: "for 60 days" },
  { value: "1y", label: "for a year" },
  { value: "NEVER", label: "for ever" },
];

/** The choices with the present one, if that is another. */
export function lifetimeChoices(current: string): { value: string; label: string }[] {
  const known = expirationChoices.some(({ value }) => value === current);
  return [...expirationChoices, ...(known || current === "" ? [] : [{ value: current, label: current }])];
}

/** "until 1 May 2027", "for ever" */
export function expiryText(seconds: number | undefined, now: number): string {
  if (seconds === undefined) return "for ever";
  const date = new Date(seconds * 1000).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
  return seconds * 1000 < now ? `ended ${date}` : `until ${date}`;
}

/** Shortest password that the server takes. */
const MIN_PASSWORD = 8;

/** What is wrong with a new password, typed twice. */
export function passwordProblem(password: string, repeated: string): string | undefined {
  if ([...password].length < MIN_PASSWORD) return `A password has at least ${MIN_PASSWORD} characters. Some words in a row are easy to keep in mind.`;
  return password === repeated ? undefined : "The two passwords differ. Type them again.";
}

/** Origins as the server keeps them, one text with commas, and as a list. */
export function originsOf(text: string | undefined): string[] {
  return (text ?? "").split(",").map((origin) => origin.trim()).filter((origin) => origin !== "");
}

/** What is wrong with an origin; undefined when it is one. */
export function originProblem(origin: string): string | undefined {
  if (origin === "*") return undefined;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const isOrigin = url !== undefined && (url.protocol === "http:" || url.protocol === "https:") && url.origin === origin.replace(/\/$/, "");
  return isOrigin ? undefined : `“${origin}” is no origin. Write it like http://192.168.1.20:8080.`;
}
