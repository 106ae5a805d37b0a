import type { Notification } from "../signalk/notifications";
import { readPreference, writePreference } from "./preferences";
import { Store } from "./store";

/** Seconds between two rounds of beeps. */
const ROUND = 2;
/** Gain of the tone at full volume: a square wave is loud. */
const FULL = 0.4;
const INITIAL_VOLUME = 0.5;
const LOUD: ReadonlySet<string> = new Set(["warn", "alarm", "emergency"]);

/**
 * The sound of active alarms at this device. It sounds for what asks for `sound` and is neither silenced nor
 * acknowledged, neither on the server nor here.
 */
export class AlarmSound {
  /** Whether this device may make a noise at all. */
  readonly enabled = new Store<boolean>(readPreference("sound") !== "off");
  /** The browser allows no sound until the page has been touched. */
  readonly blocked = new Store<boolean>(false);
  /** How loud this device is, 0 to 1. */
  readonly volume = new Store<number>(keptVolume());
  /** Notifications silenced at this device, by path and state. */
  readonly silenced = new Store<ReadonlySet<string>>(new Set());
  #context: AudioContext | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isUrgent = false;

  setEnabled = (enabled: boolean): void => {
    this.enabled.set(enabled);
    writePreference("sound", enabled ? "on" : "off");
    if (!enabled) this.#stop();
  };

  setVolume = (volume: number): void => {
    this.volume.set(Math.min(1, Math.max(0, volume)));
    writePreference("sound-volume", String(this.volume.get()));
  };

  /** Sounds once, so that people hear what it will be like. */
  test = (): void => this.#beep();

  /** Silences these at this device until they change their state. */
  silence = (notifications: readonly Notification[]): void => {
    this.silenced.set(new Set([...this.silenced.get(), ...notifications.map(keyOf)]));
  };

  /** What is active now. */
  update(active: readonly Notification[]): void {
    const keys = new Set(active.map(keyOf));
    const silenced = this.silenced.get();
    const kept = [...silenced].filter((key) => keys.has(key));
    if (kept.length !== silenced.size) this.silenced.set(new Set(kept));
    const loud = active.filter((notification) => sounds(notification) && !this.silenced.get().has(keyOf(notification)));
    this.#isUrgent = loud.some(({ state }) => state === "emergency");
    if (loud.length > 0 && this.enabled.get()) this.#start();
    else this.#stop();
  }

  stop(): void {
    this.#stop();
  }

  #start(): void {
    if (this.#timer !== undefined) return;
    this.#beep();
    this.#timer = setInterval(() => this.#beep(), ROUND * 1_000);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #beep(): void {
    if (typeof AudioContext !== "function") return;
    // Before the page was touched a browser only complains.
    if (navigator.userActivation?.hasBeenActive === false) {
      this.blocked.set(true);
      return;
    }
    this.#context ??= new AudioContext();
    const context = this.#context;
    this.blocked.set(context.state === "suspended");
    if (context.state === "suspended") {
      void context.resume();
      return;
    }
    const beeps = this.#isUrgent ? 4 : 2;
    for (let beep = 0; beep < beeps; beep += 1) {
      const start = context.currentTime + beep * 0.25;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.type = "square";
      tone.frequency.value = this.#isUrgent ? 1_400 : 1_000;
      volume.gain.setValueAtTime(FULL * this.volume.get(), start);
      volume.gain.linearRampToValueAtTime(0, start + 0.16);
      tone.connect(volume).connect(context.destination);
      tone.start(start);
      tone.stop(start + 0.18);
    }
  }
}

function keptVolume(): number {
  const kept = readPreference("sound-volume");
  const volume = kept === null ? Number.NaN : Number(kept);
  return volume >= 0 && volume <= 1 ? volume : INITIAL_VOLUME;
}

function keyOf({ path, state }: Notification): string {
  return `${state} ${path}`;
}

/** Whether a notification wants to be heard. */
export function sounds({ state, methods, status }: Notification): boolean {
  return LOUD.has(state) && methods.includes("sound") && !status.silenced && !status.acknowledged;
}
