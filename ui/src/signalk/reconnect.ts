/** How long to wait before connecting again. */
export interface ReconnectPolicy {
  /** Wait after the first failure, ms. */
  firstDelay: number;
  /** The wait doubles with each failure up to this, ms. */
  maxDelay: number;
  /** Up to this share is taken off the wait at random, so that many pages do not return at the same instant. */
  jitter: number;
}

export const defaultReconnectPolicy: ReconnectPolicy = {
  firstDelay: 1_000,
  maxDelay: 15_000,
  jitter: 0.2,
};

/**
 * Wait before attempt number `failures` + 1, in ms.
 *
 * `random` is in 0..1; the result lies between the exact doubling and that less the `jitter`.
 */
export function reconnectDelay(policy: ReconnectPolicy, failures: number, random: number): number {
  const exponent = Math.max(0, failures - 1);
  const exact = Math.min(policy.maxDelay, policy.firstDelay * 2 ** exponent);
  return Math.round(exact * (1 - policy.jitter * random));
}
