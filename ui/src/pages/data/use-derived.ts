import { useCallback, useRef, useSyncExternalStore } from "react";
import type { ReadableStore } from "../../state/store";

/**
 * Something made of what a store has. The component renders again only when the result is another one, by `isSame`;
 * `derive` is to stay the same function as long as it does the same.
 */
export function useDerived<S, T>(store: ReadableStore<S>, derive: (state: S) => T, isSame: (a: T, b: T) => boolean): T {
  const known = useRef<{ state: S; derive: (state: S) => T; result: T }>(undefined);
  const read = useCallback(() => {
    const state = store.get();
    const before = known.current;
    if (before !== undefined && before.state === state && before.derive === derive) return before.result;
    const result = derive(state);
    const kept = before !== undefined && isSame(before.result, result) ? before.result : result;
    known.current = { state, derive, result: kept };
    return kept;
  }, [store, derive, isSame]);
  return useSyncExternalStore(store.subscribe, read);
}
