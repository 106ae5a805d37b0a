import { useRef } from "react";
import { formatCount, sentenceWords } from "../model/words";

/** What counts of sentences were at a time. */
interface Count {
  at: number;
  sentences: Readonly<Record<string, number>>;
}

/** Counts that are kept to take rates from, one a second. */
const KEPT = 11;

/** Sentences by kind, with how many and how often. `at` is a new object with each look. */
export function SentenceTable({ sentences, at }: { sentences: Readonly<Record<string, number>>; at: object }) {
  const counts = useRef<{ seen: object | undefined; list: Count[] }>({ seen: undefined, list: [] });
  if (counts.current.seen !== at) {
    counts.current = { seen: at, list: [...counts.current.list, { at: Date.now(), sentences }].slice(-KEPT) };
  }
  const { list } = counts.current;
  const [first, last] = [list[0], list.at(-1)];
  const ids = Object.keys(sentences).sort((one, other) => (sentences[other] ?? 0) - (sentences[one] ?? 0) || one.localeCompare(other));
  return (
    <section aria-labelledby="sentences-title" className="sentences">
      <h3 id="sentences-title" className="section-title">
        Sentences
      </h3>
      {ids.length === 0 ? (
        <p className="page-card muted">No NMEA 0183 sentences so far.</p>
      ) : (
        <table className="page-card sentence-table" data-testid="sentences">
          <thead>
            <tr>
              <th scope="col">Sentence</th>
              <th scope="col">Count</th>
              <th scope="col">Per second</th>
            </tr>
          </thead>
          <tbody>
            {ids.map((id) => (
              <tr key={id} data-testid={`sentence-${id}`}>
                <th scope="row">
                  <code>{id}</code> <span className="muted">{sentenceWords[id] ?? ""}</span>
                </th>
                <td className="number" data-cell="count">
                  {formatCount(sentences[id] ?? 0)}
                </td>
                <td className="number" data-cell="rate">
                  {rate(first, last, id)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function rate(first: Count | undefined, last: Count | undefined, id: string): string {
  if (first === undefined || last === undefined || last.at <= first.at) return "—";
  const more = (last.sentences[id] ?? 0) - (first.sentences[id] ?? 0);
  // Counters start anew with the connection.
  return more < 0 ? "—" : ((1_000 * more) / (last.at - first.at)).toFixed(1);
}
