/** A clock that moves only when a test moves it. */

import type { Clock } from '../../services/ports/clock.ts'

export interface SteppedClock extends Clock {
  /** Lets `ms` pass on both clocks and wakes whoever slept until then. */
  advance(ms: number): void
  /** The wall clock jumps; the monotonic one does not notice. */
  setWall(ms: number): void
  /** How many sleep now. */
  sleepers(): number
}

interface Sleeper {
  readonly dueMs: number
  readonly wake: () => void
}

export function steppedClock(startMs = Date.UTC(2026, 0, 1)): SteppedClock {
  const sleepers = new Set<Sleeper>()
  let wallMs = startMs
  let monotonicMs = 0
  return {
    wallMs: () => wallMs,
    sleepers: () => sleepers.size,
    monotonicMs: () => monotonicMs,
    setWall: (ms) => {
      wallMs = ms
    },
    advance: (ms) => {
      wallMs += ms
      monotonicMs += ms
      for (const sleeper of [...sleepers]) if (sleeper.dueMs <= monotonicMs) sleeper.wake()
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          sleepers.delete(sleeper)
          signal.removeEventListener('abort', abort)
        }
        const abort = (): void => {
          done()
          reject(signal.reason)
        }
        const sleeper: Sleeper = {
          dueMs: monotonicMs + ms,
          wake: () => {
            done()
            resolve()
          },
        }
        if (signal.aborted) reject(signal.reason)
        else {
          sleepers.add(sleeper)
          signal.addEventListener('abort', abort, { once: true })
        }
      }),
  }
}
