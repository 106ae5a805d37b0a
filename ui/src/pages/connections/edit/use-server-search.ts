import { useCallback, useEffect, useRef, useState } from "react";
import { runDiscovery } from "../../../api/connections";
import { notifyProblem } from "../../../components/notify";
import { useServerEvent } from "../../../state/hooks";

/** The server searches for three seconds; longer than this nothing will come, ms. */
const LONGEST = 8_000;

/** Looks for other servers when shown, and when asked again. `found` is the data of the event. */
export function useServerSearch(): { found: unknown; isSearching: boolean; search: () => void } {
  const found = useServerEvent("DISCOVERY_CHANGED");
  const [isSearching, setSearching] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const end = useCallback(() => {
    clearTimeout(timer.current);
    setSearching(false);
  }, []);
  const search = useCallback(() => {
    setSearching(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSearching(false), LONGEST);
    runDiscovery().catch((error: unknown) => {
      end();
      notifyProblem("The network could not be searched", error);
    });
  }, [end]);
  useEffect(() => {
    search();
    return () => clearTimeout(timer.current);
  }, [search]);
  const before = useRef(found);
  useEffect(() => {
    if (before.current !== found) end();
    before.current = found;
  }, [found, end]);
  return { found, isSearching, search };
}
