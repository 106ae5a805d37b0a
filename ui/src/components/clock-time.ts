const format = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** Local time of day, "14:03:10"; ms since the epoch. */
export function clockTime(time: number): string {
  return format.format(time);
}
