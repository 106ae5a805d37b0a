import { asString, isObject } from "../signalk/frames";
import { Store, Throttle } from "./store";

/** One line of the server's log (signalk-v1 §5.10). */
export interface LogLine {
  /** Counts up; a key for lists. */
  number: number;
  time: string;
  text: string;
  isError: boolean;
  /** `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE` where the line says so. */
  level: string | undefined;
}

/** Lines kept. */
const MAX_LINES = 5_000;
/** The server repeats this many when it is asked again. */
const REPEATED = 100;

/** The server's log as far as this page has seen it. */
export class Logs {
  readonly lines = new Store<readonly LogLine[]>([]);
  #all: LogLine[] = [];
  #number = 0;
  /** Lines that the server may repeat. */
  #known = new Map<string, number>();
  #repeats = 0;
  #dropped = 0;
  readonly #show = new Throttle(200, () => this.lines.set([...this.#all]));

  /** Lines that made room for newer ones. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The log is about to be asked for. */
  asked(): void {
    this.#repeats = REPEATED;
    this.#known.clear();
    for (const line of this.#all.slice(-2 * REPEATED)) {
      const key = `${line.time}\n${line.text}`;
      this.#known.set(key, (this.#known.get(key) ?? 0) + 1);
    }
  }

  /** `data` of a `LOG` event. */
  add(data: unknown): void {
    if (!isObject(data)) return;
    const time = asString(data.ts) ?? "";
    const text = asString(data.row) ?? "";
    if (this.#repeats > 0) {
      this.#repeats -= 1;
      const key = `${time}\n${text}`;
      const times = this.#known.get(key) ?? 0;
      if (times > 0) {
        this.#known.set(key, times - 1);
        return;
      }
    }
    this.#number += 1;
    this.#all.push({ number: this.#number, time, text, isError: data.isError === true, level: levelOf(text) });
    if (this.#all.length > MAX_LINES) {
      const excess = this.#all.length - MAX_LINES + MAX_LINES / 10;
      this.#all.splice(0, excess);
      this.#dropped += excess;
    }
    this.#show.request();
  }

  clear = (): void => {
    this.#all = [];
    this.lines.set([]);
  };

  stop(): void {
    this.#show.cancel();
  }
}

function levelOf(text: string): string | undefined {
  return /^\S*\s*(ERROR|WARN|INFO|DEBUG|TRACE)\b/.exec(text)?.[1];
}
