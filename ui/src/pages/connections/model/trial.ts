import type { Trial } from "../../../api/connections";
import type { Tone } from "../../../components/state-badge";
import { adviceFor, plain } from "./words";

/** What came of a trial, in a word and a sentence with what to do. */
export function trialWords(trial: Trial): { tone: Tone; word: string; text?: string } {
  const { connected, problem, format, statistics } = trial;
  if (!connected) {
    const words = problem ?? "Nothing could be connected to.";
    // What is wrong with the settings says what to do by itself.
    return { tone: "bad", word: "Not connected", text: words.startsWith("`") ? plain(words) : `${plain(words)} ${adviceFor(words)}` };
  }
  if (statistics === undefined || statistics.bytes === 0) {
    return {
      tone: "caution",
      word: "Connected, but silent",
      text: problem ?? "The connection works, and nothing came so far. Check that the device is on and set to send here; some send only now and then.",
    };
  }
  if (format?.advice !== undefined) return { tone: "caution", word: "Not readable", text: `What comes can't be used like this: ${format.advice}.` };
  if (statistics.deltas === 0) {
    return { tone: "caution", word: "Connected", text: "Data come, but nothing of it has values that can be used so far." };
  }
  return { tone: "good", word: "It works" };
}
