/** Per second: "0", "0.4", "43.2", "1 250". */
export function formatRate(rate: number): string {
  if (rate < 100) return String(Math.round(rate * 10) / 10);
  // A narrow space between the thousands is read the same in every language.
  return String(Math.round(rate)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
