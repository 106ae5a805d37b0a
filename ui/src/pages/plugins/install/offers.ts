import type { Store, StoreEntry } from "../../../api/packages";

/** What the registry has and can be installed or updated, as far as it has all words of a search: updates first. */
export function offers({ available, updates }: Pick<Store, "available" | "updates">, search: string): StoreEntry[] {
  const wanted = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const newer = new Map(updates.map((entry) => [entry.name, entry.newVersion]));
  const fits = ({ name, description, author, categories }: StoreEntry) => {
    const text = [name, description, author, ...categories].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  return available
    .filter(fits)
    .map((entry) => {
      const newVersion = newer.get(entry.name);
      return newVersion === undefined ? entry : { ...entry, newVersion };
    })
    .sort((a, b) => rank(b) - rank(a) || a.name.localeCompare(b.name));
}

function rank({ newVersion, isPlugin }: StoreEntry): number {
  return (newVersion === undefined ? 0 : 2) + (isPlugin ? 1 : 0);
}
