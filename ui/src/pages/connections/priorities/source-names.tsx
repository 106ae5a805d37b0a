import { TextInput } from "@mantine/core";
import type { PartProps } from "./priorities";

/** What people call the sources. */
export function SourceNames({ draft, seen, onChange }: PartProps) {
  const sources = [
    ...new Set([...draft.priorities.groups.flatMap((group) => group.sources), ...Object.values(seen.multi).flat(), ...Object.keys(draft.aliases)]),
  ].sort();
  if (sources.length === 0) return null;
  const name = (source: string, value: string) => {
    const { [source]: _, ...others } = draft.aliases;
    onChange({ ...draft, aliases: value === "" ? others : { ...draft.aliases, [source]: value } });
  };
  return (
    <section aria-labelledby="names-title">
      <h3 id="names-title" className="section-title">
        Names
      </h3>
      <p className="muted">What you call a source, such as “GPS on the mast”. It is shown here, and in apps that know such names.</p>
      <div className="form-grid" style={{ marginTop: 10 }}>
        {sources.map((source) => (
          <TextInput
            key={source}
            label={source}
            value={draft.aliases[source] ?? ""}
            placeholder={source}
            maxLength={60}
            onChange={(event) => name(source, event.currentTarget.value)}
            data-testid={`alias-${source}`}
          />
        ))}
      </div>
    </section>
  );
}
