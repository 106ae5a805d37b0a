import type { RJSFSchema, UiSchema } from "@rjsf/utils";
import { lazy, Suspense, useMemo } from "react";
import { savePluginConfig, type PluginDetails } from "../../../api/plugins";
import { EmptyState } from "../../../components/empty-state";
import { ErrorBoundary } from "../../../components/error-boundary";
import { Loading } from "../../../components/load-state";
import { notifyDone } from "../../../components/notify";

const SchemaForm = lazy(() => import("../../../forms/schema-form"));

/** Its own settings, as its schema says. A schema that can't be shown spoils nothing else. */
export function SettingsTab({ plugin, onChanged }: { plugin: PluginDetails; onChanged: () => Promise<void> }) {
  const { id, name, data, schema, uiSchema } = plugin;
  // The list comes anew with each change of any plugin; what has the same content must not undo what is being typed.
  const saved = JSON.stringify(data.configuration ?? {});
  const value = useMemo(() => JSON.parse(saved) as unknown, [saved]);
  const form = JSON.stringify([schema, uiSchema]);
  const [stableSchema, stableUi] = useMemo(() => JSON.parse(form) as [RJSFSchema | null, UiSchema | null], [form]);
  if (stableSchema === null || Object.keys(stableSchema.properties ?? {}).length === 0) {
    return <EmptyState title="Nothing to set" text={`${name} has no settings of its own. Switch it on and off at the top.`} />;
  }
  const save = async (configuration: unknown) => {
    try {
      await savePluginConfig(id, { ...data, configuration });
      notifyDone(data.enabled ? `Saved; ${name} runs with it now` : "Saved");
    } finally {
      await onChanged();
    }
  };
  return (
    <section className="page-card" aria-label={`Settings of ${name}`} data-testid="plugin-settings">
      <ErrorBoundary what={`The form of ${name}`} resetKey={form}>
        <Suspense fallback={<Loading what="The form" />}>
          <SchemaForm id={`plugin-${id}`} schema={stableSchema} uiSchema={stableUi ?? undefined} value={value} onSave={save} />
        </Suspense>
      </ErrorBoundary>
    </section>
  );
}
