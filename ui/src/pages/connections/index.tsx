import { useEffect, useRef } from "react";
import { Details } from "./detail/details";
import { EditPage } from "./edit/edit-page";
import { NewPage } from "./edit/new-page";
import { ConnectionList } from "./list/connection-list";
import { placeOf } from "./model/routes";
import { Priorities } from "./priorities/priorities";
import { useSubroute } from "../../state/location";
import { useConnections } from "./use-connections";
import "./connections.css";

/** Each place begins at its top, with the focus at its title, as a page of its own does. */
function useBeginning(place: string): void {
  const before = useRef(place);
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    window.scrollTo(0, 0);
    document.querySelector<HTMLElement>("[data-page-title]")?.focus({ preventScroll: true });
  }, [place]);
}

/** Where the data of this server come from and go to, and which source is believed. */
export default function ConnectionsPage() {
  const parts = useSubroute("/connections");
  const place = placeOf(parts);
  const connections = useConnections();
  useBeginning(parts.join("/"));
  return (
    <div className="connections-page" data-testid="page-connections">
      {place.at === "list" && <ConnectionList connections={connections} />}
      {place.at === "details" && <Details key={place.id} id={place.id} connections={connections} />}
      {place.at === "edit" && <EditPage key={place.id} id={place.id} connections={connections} />}
      {place.at === "new" && <NewPage key={place.kind ?? ""} kindId={place.kind} connections={connections} />}
      {place.at === "priorities" && <Priorities />}
    </div>
  );
}
