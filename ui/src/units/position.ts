/** "60°07.512′ N": degrees and decimal minutes, as on a chart. */
export function formatLatitude(degrees: number): string {
  return degreesMinutes(degrees, 2, "N", "S");
}

export function formatLongitude(degrees: number): string {
  return degreesMinutes(degrees, 3, "E", "W");
}

function degreesMinutes(value: number, width: number, positive: string, negative: string): string {
  // Rounded to a thousandth of a minute first, so that 59.9996′ becomes the next degree.
  const thousandths = Math.round(Math.abs(value) * 60_000);
  const degrees = Math.floor(thousandths / 60_000);
  const minutes = (thousandths - degrees * 60_000) / 1000;
  const hemisphere = value < 0 && thousandths > 0 ? negative : positive;
  return `${String(degrees).padStart(width, "0")}°${minutes.toFixed(3).padStart(6, "0")}′ ${hemisphere}`;
}
