/** Delay schedules: exponential with full jitter, as a pure function of the attempt and one random number. */

export interface DelayOptions {
  readonly firstMs: number
  readonly maxMs: number
  /** Uniform in [0, 1). */
  readonly chance: number
}

/** Attempt 1 waits between half of `firstMs` and all of it, each further one up to twice as long, never more than `maxMs`. */
export function delayMs(attempt: number, { firstMs, maxMs, chance }: DelayOptions): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(ceiling * (0.5 + chance / 2))
}
