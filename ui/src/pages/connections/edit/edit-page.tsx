import { Alert, Button } from "@mantine/core";
import { fetchConnectionDetails, fetchSerialPorts, updateProvider, type Provider } from "../../../api/connections";
import { EmptyState } from "../../../components/empty-state";
import { Loading, LoadState } from "../../../components/load-state";
import { notifyDone } from "../../../components/notify";
import { PageHeader } from "../../../components/page-header";
import { useLoad } from "../../../state/use-load";
import { BackLink } from "../detail/details";
import { foundPorts } from "../model/found";
import { formOf } from "../model/form";
import { detailsRoute, listRoute } from "../model/routes";
import type { Connections } from "../use-connections";
import { afterSaving } from "./after-saving";
import { ConnectionFormView } from "./connection-form";

/** Changing a connection. */
export function EditPage({ id, connections }: { id: string; connections: Connections }) {
  const { providers } = connections;
  const details = useLoad(() => fetchConnectionDetails(id), id);
  return (
    <>
      <BackLink />
      <LoadState of={providers}>
        {(list) => {
          const provider = list.find((one) => one.id === id);
          if (provider === undefined || provider.editable === false) return <NoForm id={id} isKnown={provider !== undefined} />;
          // The form is made once: it has to know what is wrong by then. A server that does not tell that has a form all the same.
          if (details.data === undefined && details.error === undefined) return <Loading />;
          return <Edit provider={provider} list={list} problem={details.data?.problem} connections={connections} />;
        }}
      </LoadState>
    </>
  );
}

interface EditProps {
  provider: Provider;
  list: readonly Provider[];
  problem: string | undefined;
  connections: Connections;
}

function Edit({ provider, list, problem, connections }: EditProps) {
  const ports = useLoad(fetchSerialPorts);
  const form = formOf(provider);
  return (
    <>
      <PageHeader title={`Edit ${provider.id}`} description={form.kind.id === "other" ? undefined : form.kind.title} />
      {form.kind.id === "other" && (
        <Alert color="yellow" title="No form for this kind" mb="md">
          This server has no form for {[provider.type, provider.options?.type].filter(Boolean).join(", ")}; its options can be changed as they are in the file.
        </Alert>
      )}
      <ConnectionFormView
        initial={form}
        problem={problem}
        takenIds={list.map(({ id }) => id)}
        ports={ports.data === undefined ? [] : foundPorts(ports.data, list)}
        saveLabel="Save"
        onSave={async (changed) => {
          await updateProvider(provider.id, changed);
          notifyDone(`${changed.id} is saved`);
          await afterSaving(changed.id, connections);
        }}
        cancelRoute={detailsRoute(provider.id)}
      />
    </>
  );
}

function NoForm({ id, isKnown }: { id: string; isKnown: boolean }) {
  return (
    <EmptyState
      title={isKnown ? `${id} can't be changed here` : `There is no connection ${id}`}
      text={isKnown ? "It is a chain of settings that only the file settings.json can change." : "It may have been deleted or renamed."}
    >
      <Button component="a" href={`#${listRoute}`}>
        All connections
      </Button>
    </EmptyState>
  );
}
