import { Alert, NumberInput } from "@mantine/core";
import { useState } from "react";
import {
  fetchMultiSourcePaths,
  fetchPreferredSources,
  fetchPriorities,
  fetchReconciledGroups,
  fetchSourceAliases,
  resetPriorities,
  savePriorities,
  saveSourceAliases,
  type ReconciledGroup,
} from "../../../api/sources";
import { ConfirmButton } from "../../../components/confirm-button";
import { LoadState } from "../../../components/load-state";
import { notifyDone } from "../../../components/notify";
import { PageHeader } from "../../../components/page-header";
import { SaveBar } from "../../../components/save-bar";
import { useLoad } from "../../../state/use-load";
import { BackLink } from "../detail/details";
import { Groups } from "./groups";
import { FALLBACK, problemOf, type Draft } from "./model";
import { PathRules } from "./path-rules";
import { SourceNames } from "./source-names";

/** What the server sees now, beside what is saved. */
export interface Seen {
  /** Paths with two or more sources, and which. */
  multi: Readonly<Record<string, readonly string[]>>;
  reconciled: readonly ReconciledGroup[];
  /** The source that is used now, by path that has priorities. */
  preferred: Readonly<Record<string, string>>;
}

/** How often the sources are looked at, ms. */
const INTERVAL = 3_000;

async function fetchDraft(): Promise<Draft> {
  const [priorities, aliases] = await Promise.all([fetchPriorities(), fetchSourceAliases()]);
  return { priorities, aliases };
}

async function fetchSeen(): Promise<Seen> {
  const [multi, reconciled, preferred] = await Promise.all([fetchMultiSourcePaths(), fetchReconciledGroups(), fetchPreferredSources()]);
  return { multi, reconciled, preferred };
}

/** Which of several sources is believed. */
export function Priorities() {
  const saved = useLoad(fetchDraft);
  const seen = useLoad(fetchSeen, "", INTERVAL);
  const [edited, setEdited] = useState<Draft>();
  const save = async (draft: Draft) => {
    const problem = problemOf(draft);
    if (problem !== undefined) throw new Error(problem);
    await savePriorities(draft.priorities);
    if (JSON.stringify(draft.aliases) !== JSON.stringify(saved.data?.aliases)) await saveSourceAliases(draft.aliases);
    saved.setData(draft);
    setEdited(undefined);
    notifyDone("The priorities are saved and in force");
    await seen.reload();
  };
  const reset = async () => {
    await resetPriorities();
    setEdited(undefined);
    await Promise.all([saved.reload(), seen.reload()]);
  };
  return (
    <div data-testid="priorities">
      <BackLink />
      <PageHeader title="Source priorities" description="Which instrument is believed when several tell the same">
        <ConfirmButton
          title="Remove all priorities?"
          text="All groups and rules are lost, and the last value that comes counts again, from whatever source. The names of the sources stay."
          confirmLabel="Remove all"
          onConfirm={reset}
          testId="reset-priorities"
        >
          Remove all
        </ConfirmButton>
      </PageHeader>
      <LoadState of={saved} what="Priorities">
        {(data) => (
          <LoadState of={seen} what="Sources">
            {(now) => {
              const draft = edited ?? data;
              return (
                <>
                  <Explanation draft={draft} seen={now} />
                  <Groups draft={draft} seen={now} onChange={setEdited} />
                  <Fallback draft={draft} onChange={setEdited} />
                  <PathRules draft={draft} seen={now} onChange={setEdited} />
                  <SourceNames draft={draft} seen={now} onChange={setEdited} />
                  <SaveBar changed={edited !== undefined} onSave={() => save(draft)} onUndo={() => setEdited(undefined)} />
                </>
              );
            }}
          </LoadState>
        )}
      </LoadState>
    </div>
  );
}

export interface PartProps {
  draft: Draft;
  seen: Seen;
  onChange: (draft: Draft) => void;
}

function Explanation({ draft, seen }: { draft: Draft; seen: Seen }) {
  const several = Object.keys(seen.multi).length;
  if (several === 0 || draft.priorities.groups.length > 0) return null;
  return (
    <Alert color="yellow" title={`${several} ${several === 1 ? "value comes" : "values come"} from several sources`}>
      Without priorities the last one that speaks counts, so such values may jump back and forth. Put the better source first below.
    </Alert>
  );
}

function Fallback({ draft, onChange }: Omit<PartProps, "seen">) {
  const { defaults, groups } = draft.priorities;
  if (groups.length === 0) return null;
  const seconds = (defaults.fallbackMs ?? FALLBACK) / 1_000;
  return (
    <NumberInput
      mt="md"
      maw={420}
      label="Seconds of silence before the next one steps in"
      description="For all groups. Paths with a rule of their own have their own times."
      value={seconds}
      min={0.1}
      max={86_400}
      onChange={(value) => {
        const ms = Math.round(Number(value) * 1_000);
        if (ms > 0) onChange({ ...draft, priorities: { ...draft.priorities, defaults: { ...defaults, fallbackMs: ms } } });
      }}
      data-testid="fallback"
    />
  );
}
