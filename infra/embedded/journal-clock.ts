/** The gateway's clock as the journal uses it: a wall clock before the build date is unset, and then time goes on from the last one kept. */

/** `lastMs` is NaN while nothing was ever kept. */
export interface JournalClock {
  readonly lastMs: number
  /** While the wall clock is unset: the time given out first, and what the steady clock said then. */
  readonly anchor?: { readonly ms: number; readonly monotonicMs: number }
}

export interface Tick {
  readonly clock: JournalClock
  readonly ms: number
  readonly estimated: boolean
}

export function tick(clock: JournalClock, wallMs: number, monotonicMs: number, buildMs: number): Tick {
  if (wallMs >= buildMs) {
    const ms = Math.floor(wallMs)
    return { clock: { lastMs: ms }, ms, estimated: false }
  }
  const anchor = clock.anchor ?? { ms: Number.isNaN(clock.lastMs) ? buildMs : clock.lastMs + 1, monotonicMs }
  const ms = anchor.ms + Math.max(0, Math.floor(monotonicMs - anchor.monotonicMs))
  return { clock: { lastMs: ms, anchor }, ms, estimated: true }
}

const NS_PER_MS = 1_000_000

/** The nanoseconds below the millisecond of readings without a time of their own: begin anywhere, by the epoch's random id, and count on. */
export function firstSubMs(epoch: string): number {
  return Number.parseInt(epoch.slice(0, 12), 16) % NS_PER_MS
}

export function nextSubMs(ns: number): number {
  return (ns + 1) % NS_PER_MS
}
