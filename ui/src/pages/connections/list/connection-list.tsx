import { Button } from "@mantine/core";
import { IconArrowsSort, IconPlugConnected, IconPlus } from "@tabler/icons-react";
import { EmptyState } from "../../../components/empty-state";
import { LoadState } from "../../../components/load-state";
import { PageHeader } from "../../../components/page-header";
import type { Connections } from "../use-connections";
import { newRoute, prioritiesRoute } from "../model/routes";
import { ConnectionRow } from "./connection-row";
import { Outputs } from "./outputs";

/** All connections with what they do now, and the outputs. */
export function ConnectionList({ connections }: { connections: Connections }) {
  const { providers, overviews, ratesOf, enable } = connections;
  const add = (testId: string) => (
    <Button component="a" href={`#${newRoute}`} leftSection={<IconPlus size={18} aria-hidden="true" />} data-testid={testId}>
      Add a connection
    </Button>
  );
  return (
    <>
      <PageHeader title="Connections" description="Where the data come from, and where they go">
        <Button
          component="a"
          href={`#${prioritiesRoute}`}
          variant="default"
          leftSection={<IconArrowsSort size={18} aria-hidden="true" />}
          data-testid="to-priorities"
        >
          Source priorities
        </Button>
        {add("add-connection")}
      </PageHeader>
      <section aria-labelledby="inputs-title">
        <h3 id="inputs-title" className="section-title">
          Inputs
        </h3>
        <LoadState of={providers} what="Connections">
          {(list) =>
            list.length === 0 ? (
              <div className="page-card">
                <EmptyState
                  icon={<IconPlugConnected size={40} />}
                  title="No connections yet"
                  text="Connect a GPS, instruments, AIS or a gateway. It takes a minute, and you can try it before it is saved."
                >
                  {add("add-first")}
                </EmptyState>
              </div>
            ) : (
              <ul className="connection-list" aria-label="Connections">
                {list.map((provider) => (
                  <ConnectionRow
                    key={provider.id}
                    provider={provider}
                    overview={overviews.data?.find(({ id }) => id === provider.id)}
                    rates={ratesOf(provider.id)}
                    onEnable={(enabled) => enable(provider, enabled)}
                  />
                ))}
              </ul>
            )
          }
        </LoadState>
      </section>
      <Outputs overviews={overviews.data ?? []} />
    </>
  );
}
