import { badLineWords, formatCount } from "../model/words";

/** Why lines were dropped, the most frequent reason first; nothing when all were good. */
export function BadLines({ byKind, lines }: { byKind: Readonly<Record<string, number>>; lines: number }) {
  const kinds = Object.entries(byKind)
    .filter(([, count]) => count > 0)
    .sort((one, other) => other[1] - one[1]);
  if (kinds.length === 0) return null;
  return (
    <section aria-labelledby="bad-title">
      <h3 id="bad-title" className="section-title">
        Lines that could not be used
      </h3>
      <ul className="page-card bad-list" data-testid="bad-lines">
        {kinds.map(([kind, count]) => {
          const words = badLineWords[kind] ?? { what: kind, advice: "Look at the lines below." };
          return (
            <li key={kind} data-testid={`bad-${kind}`}>
              <div>
                <strong>{words.what}</strong>
                <span className="number">
                  {" "}
                  {formatCount(count)} ({percent(count, lines)})
                </span>
              </div>
              <p className="muted">{words.advice}</p>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function percent(part: number, whole: number): string {
  if (whole === 0) return "of none";
  const share = (100 * part) / whole;
  return share < 1 ? "under 1 %" : `${Math.round(share)} %`;
}
