import type { PathRow, VesselSnapshot } from "../../signalk/vessel-model";

/** What the list shows. */
export interface Filter {
  /** Lower case; each must be in the row somewhere. */
  words: readonly string[];
  /** Only paths of this source. */
  source: string | undefined;
}

export function wordsOf(search: string): string[] {
  return search.toLowerCase().split(/\s+/).filter(Boolean);
}

/** Finds paths by what is written about them. What a row says changes seldom, so it is put together once. */
export class RowSearch {
  #texts = new Map<string, { meta: PathRow["meta"]; sources: number; text: string }>();

  paths({ rows }: VesselSnapshot, { words, source }: Filter): string[] {
    // Rows that are gone would stay for ever.
    if (this.#texts.size > 2 * rows.length) this.#texts.clear();
    return rows
      .filter((row) => source === undefined || row.readings.some((reading) => reading.source === source))
      .filter((row) => words.length === 0 || words.every((word) => this.#text(row).includes(word)))
      .map((row) => row.path);
  }

  #text(row: PathRow): string {
    const known = this.#texts.get(row.path);
    if (known !== undefined && known.meta === row.meta && known.sources === row.readings.length) return known.text;
    const sources = row.readings.map((reading) => reading.source);
    const text = [row.path, row.meta.displayName, row.meta.description, ...sources].join(" ").toLowerCase();
    this.#texts.set(row.path, { meta: row.meta, sources: row.readings.length, text });
    return text;
  }
}

/** The sources of all rows, by name. */
export function sourcesOf({ rows }: VesselSnapshot): string[] {
  const sources = new Set<string>();
  for (const row of rows) for (const reading of row.readings) sources.add(reading.source);
  return [...sources].sort();
}

export function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
