import { clockTime } from "../../components/clock-time";

/** "14:03:10" of today, "2026-05-31 14:03:10" of another day; local time, ms since the epoch. */
export function whenText(time: number, now: number): string {
  const [day, today] = [new Date(time), new Date(now)];
  if (day.toDateString() === today.toDateString()) return clockTime(time);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())} ${clockTime(time)}`;
}
