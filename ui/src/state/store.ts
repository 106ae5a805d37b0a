/**
 * State kept outside React, so that the rate of incoming data and the rate of
 * rendering have nothing to do with each other.
 */
export interface ReadableStore<T> {
  get(): T;
  /** Calls `listener` after each change; returns the way to stop. */
  subscribe(listener: () => void): () => void;
}

export class Store<T> implements ReadableStore<T> {
  #value: T;
  #listeners = new Set<() => void>();

  constructor(initial: T) {
    this.#value = initial;
  }

  get = (): T => this.#value;

  set = (value: T): void => {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  };

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/** Runs `action` soon after it was asked for, and at most once per `interval` ms however often that is. */
export class Throttle {
  readonly #interval: number;
  readonly #action: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastRun = Number.NEGATIVE_INFINITY;

  constructor(interval: number, action: () => void) {
    this.#interval = interval;
    this.#action = action;
  }

  request(): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#lastRun + this.#interval - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#lastRun = performance.now();
      this.#action();
    }, wait);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** The current time, once a second while anybody looks. */
export class Clock implements ReadableStore<number> {
  #now = Date.now();
  #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;

  get = (): number => this.#now;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(this.tick, 1_000);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  };

  /** Reads the time again, for a display that has just changed. */
  tick = (): void => {
    this.#now = Date.now();
    for (const listener of [...this.#listeners]) listener();
  };
}
