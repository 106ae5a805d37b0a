import { Button, TextInput } from "@mantine/core";
import { IconApps, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { fetchWebApps } from "../../api/webapps";
import { EmptyState } from "../../components/empty-state";
import { LoadState } from "../../components/load-state";
import { PageHeader } from "../../components/page-header";
import { useIsAdmin } from "../../state/hooks";
import { useLoad } from "../../state/use-load";
import { AppCard } from "./app-card";
import { findApps, readFavourites, toggleFavourite } from "./favourites";
import "./apps.css";

/** Up to this many need no search. */
const FEW = 4;

/** The web apps that are installed. */
export default function AppsPage() {
  const apps = useLoad(fetchWebApps);
  const isAdmin = useIsAdmin();
  const [search, setSearch] = useState("");
  const [favourites, setFavourites] = useState(readFavourites);
  return (
    <div data-testid="page-apps" className="apps-page">
      <PageHeader title="Apps" description="Web apps installed on this server">
        {isAdmin && apps.data !== undefined && apps.data.length > 0 && (
          <Button variant="default" component="a" href={INSTALL}>
            Install more
          </Button>
        )}
      </PageHeader>
      <LoadState of={apps}>
        {(list) => {
          if (list.length === 0) return <NoApps isAdmin={isAdmin} />;
          const found = findApps(list, search, favourites);
          return (
            <>
              {list.length > FEW && (
                <TextInput
                  mb="md"
                  type="search"
                  label="Search"
                  placeholder="Name or what it does"
                  leftSection={<IconSearch size={18} aria-hidden="true" />}
                  value={search}
                  onChange={(event) => setSearch(event.currentTarget.value)}
                  data-testid="search"
                />
              )}
              {found.length === 0 && <EmptyState title="Nothing matches" text="Search for less, or for another word." testId="no-match" />}
              <ul className="app-cards">
                {found.map((app) => (
                  <AppCard
                    key={app.name}
                    app={app}
                    isFavourite={favourites.includes(app.name)}
                    onFavourite={() => setFavourites(toggleFavourite(favourites, app.name))}
                  />
                ))}
              </ul>
            </>
          );
        }}
      </LoadState>
    </div>
  );
}

/** Where packages are installed: a dialog of that page. */
const INSTALL = "#/plugins?install=registry";

function NoApps({ isAdmin }: { isAdmin: boolean }) {
  return (
    <EmptyState
      icon={<IconApps size={48} />}
      title="No web apps yet"
      text="Charts, instruments and logbooks of others run here too, once they are installed: from the npm registry or from a file."
      testId="no-apps"
    >
      {isAdmin ? (
        <Button component="a" href={INSTALL} data-testid="install-app">
          Install a web app
        </Button>
      ) : (
        <p className="muted">Somebody who is an administrator of this server can install them on the page “Plugins”.</p>
      )}
    </EmptyState>
  );
}
