import { useCallback, useEffect, useRef, useState } from "react";

/** What a request to the server has brought so far. */
export interface Loaded<T> {
  /** The last answer; it stays while it is read again. */
  data: T | undefined;
  error: unknown;
  /** A request is under way. */
  loading: boolean;
  /** Reads it again. */
  reload: () => Promise<void>;
  /** Shows this until the next answer: what has just been saved. */
  setData: (data: T) => void;
}

/**
 * Reads something from the server when the component appears, again when `key` changes, and every `interval` ms if
 * that is given and the page is visible. An answer that was overtaken by a newer request is dropped.
 */
export function useLoad<T>(load: () => Promise<T>, key = "", interval?: number): Loaded<T> {
  const [state, setState] = useState<{ data: T | undefined; error: unknown; loading: boolean }>({
    data: undefined,
    error: undefined,
    loading: true,
  });
  const latest = useRef(load);
  latest.current = load;
  const attempt = useRef(0);
  const reload = useCallback(async () => {
    attempt.current += 1;
    const mine = attempt.current;
    setState((before) => ({ ...before, loading: true }));
    try {
      const data = await latest.current();
      if (mine === attempt.current) setState({ data, error: undefined, loading: false });
    } catch (error) {
      if (mine === attempt.current) setState((before) => ({ ...before, error, loading: false }));
    }
  }, []);
  useEffect(() => {
    void reload();
    return () => {
      attempt.current += 1;
    };
  }, [reload, key]);
  useEffect(() => {
    if (interval === undefined) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void reload();
    }, interval);
    return () => clearInterval(timer);
  }, [reload, interval]);
  const setData = useCallback((data: T) => setState({ data, error: undefined, loading: false }), []);
  return { ...state, reload, setData };
}
