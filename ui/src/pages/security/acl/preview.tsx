import { Autocomplete, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { StateBadge } from "../../../components/state-badge";
import { useVessel } from "../../../state/hooks";
import { accessText, mayOf, OWN_SHIP, type Person, type Rule } from "./rules";

/** Paths offered. */
const MAX_OFFERED = 50;

/** Who may do what with a value, by the rules as they are on the screen. */
export function Preview({ rules, people, isChanged }: { rules: readonly Rule[]; people: readonly Person[]; isChanged: boolean }) {
  const { rows } = useVessel();
  const [context, setContext] = useState(OWN_SHIP);
  const [path, setPath] = useState("navigation.position");
  const [source, setSource] = useState("");
  // Once: the list is a help to type, not a display.
  const paths = useMemo(() => rows.map((row) => row.path).filter((one) => one !== ""), [rows.length]);
  return (
    <section className="page-card" aria-labelledby="preview-title" data-testid="acl-preview">
      <h3 id="preview-title">Who may do what?</h3>
      <p className="muted">{isChanged ? "By the rules above, which are not saved yet." : "By the rules that are in force."}</p>
      <div className="rule-about">
        <Autocomplete label="Path" data={paths} limit={MAX_OFFERED} value={path} onChange={setPath} size="md" data-testid="preview-path" />
        <Autocomplete label="Of" data={[OWN_SHIP, "vessels.urn:mrn:imo:mmsi:230000001"]} value={context} onChange={setContext} size="md" />
        <TextInput label="From source" placeholder="any" value={source} onChange={(event) => setSource(event.currentTarget.value)} />
      </div>
      <ul className="preview-people">
        {people.map((person) => {
          const access = mayOf(rules, person, context.trim(), path.trim(), source.trim());
          return (
            <li key={`${person.kind} ${person.name}`} data-testid={`preview-${person.name}`}>
              <span className="who">
                <strong>{person.name}</strong> {person.kind === "device" && <span className="muted">device</span>}
              </span>
              <StateBadge tone={access.read ? "good" : "plain"}>{accessText(access)}</StateBadge>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
