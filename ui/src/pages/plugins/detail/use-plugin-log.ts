import { useEffect, useState } from "react";
import { messageOf } from "../../../api/http";
import { fetchPluginLog } from "../../../api/plugins";
import { append, emptyLog, type PluginLog } from "../model/log";

/** How long the server may hold a request until there is a line, seconds. */
const WAIT = 20;
/** After a failure, ms. */
const PAUSE = 3_000;
/** A plugin that writes all the time is asked no more often than this, ms. */
const BREATH = 250;

/** A plugin's log, followed while it is shown. */
export function usePluginLog(id: string): { log: PluginLog; loaded: boolean; problem: string | undefined } {
  const [state, setState] = useState<{ log: PluginLog; loaded: boolean; problem: string | undefined }>({ log: emptyLog, loaded: false, problem: undefined });
  useEffect(() => {
    const stop = new AbortController();
    let log = emptyLog;
    const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));
    const follow = async () => {
      let wait = 0;
      while (!stop.signal.aborted) {
        try {
          const excerpt = await fetchPluginLog(id, log.last, wait, stop.signal);
          if (stop.signal.aborted) return;
          log = append(log, excerpt);
          wait = WAIT;
          setState({ log, loaded: true, problem: undefined });
          await pause(BREATH);
        } catch (error) {
          if (stop.signal.aborted) return;
          setState({ log, loaded: true, problem: messageOf(error) });
          await pause(PAUSE);
        }
      }
    };
    void follow();
    return () => stop.abort();
  }, [id]);
  return state;
}
