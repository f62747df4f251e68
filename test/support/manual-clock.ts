/** A clock that stands still until a test moves it, and a seeded random source. */

import type { Clock, Random } from '../../services/ports/clock.ts'

interface Sleeper {
  readonly dueMs: number
  readonly order: number
  readonly wake: () => void
}

export interface ManualClock extends Clock {
  /** Moves both clocks on, waking sleepers in order of their time and letting everything they start settle in between. */
  advance(ms: number): Promise<void>
  /** Advances in small steps until the condition holds; throws after `withinMs` of virtual time. */
  until(what: string, condition: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>
  /** Sets the wall clock alone, as a board's clock jumps. */
  setWall(ms: number): void
}

/** Lets every promise chain that can go on do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

export function manualClock(startMs = Date.UTC(2026, 10, 22)): ManualClock {
  let monotonicMs = 5000
  let wallOffset = startMs - monotonicMs
  let order = 0
  const sleepers = new Set<Sleeper>()

  async function advance(ms: number): Promise<void> {
    const endMs = monotonicMs + ms
    await settle()
    for (;;) {
      const next = [...sleepers].sort((x, y) => x.dueMs - y.dueMs || x.order - y.order)[0]
      if (next === undefined || next.dueMs > endMs) break
      monotonicMs = Math.max(monotonicMs, next.dueMs)
      sleepers.delete(next)
      next.wake()
      await settle()
    }
    monotonicMs = endMs
    await settle()
  }

  return {
    wallMs: () => monotonicMs + wallOffset,
    monotonicMs: () => monotonicMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const abort = (): void => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        }
        const sleeper: Sleeper = {
          dueMs: monotonicMs + Math.max(0, ms),
          order: order++,
          wake: () => {
            signal.removeEventListener('abort', abort)
            resolve()
          },
        }
        signal.addEventListener('abort', abort, { once: true })
        sleepers.add(sleeper)
      }),
    advance,
    until: async (what, condition, withinMs = 600_000) => {
      const endMs = monotonicMs + withinMs
      await settle()
      while (!(await condition())) {
        if (monotonicMs >= endMs) throw new Error(`not within ${withinMs} ms of virtual time: ${what}`)
        await advance(100)
      }
    },
    setWall: (ms) => {
      wallOffset = ms - monotonicMs
    },
  }
}

/** mulberry32: small, seeded, good enough for tests. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const byte = (): string =>
    Math.floor(next() * 256)
      .toString(16)
      .padStart(2, '0')
  const hex = (bytes: number): string => Array.from({ length: bytes }, byte).join('')
  return {
    next,
    hex,
    id: () => `${hex(4)}-${hex(2)}-7${hex(2).slice(1)}-8${hex(2).slice(1)}-${hex(6)}`,
  }
}
