import { useEffect, useRef } from "react";
import { fetchInstalls, type Install } from "../../../api/packages";
import { useLoad, type Loaded } from "../../../state/use-load";

/** Nothing more happens to it. */
export const isOver = ({ state }: Pick<Install, "state">): boolean => state === "done" || state === "failed";

/** What is being installed and removed, every second; `onDone` when one of them has ended. */
export function useInstalls(active: boolean, onDone: () => void): Loaded<Install[]> {
  const installs = useLoad(() => (active ? fetchInstalls() : Promise.resolve([])), String(active), active ? 1_000 : undefined);
  const seen = useRef<ReadonlySet<number>>(undefined);
  const told = useRef(onDone);
  told.current = onDone;
  const { data } = installs;
  useEffect(() => {
    if (data === undefined || !active) return;
    const over = new Set(data.filter(isOver).map(({ id }) => id));
    const before = seen.current;
    seen.current = over;
    if (before !== undefined && [...over].some((id) => !before.has(id))) told.current();
  }, [data, active]);
  return installs;
}
