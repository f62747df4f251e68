/** The real clock and the real chance: the only place outside `main.ts` that may ask the operating system for either. */

import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { v7 } from 'uuid'
import type { Clock, Random } from '../services/ports/clock.ts'

/** The longest wait a timer takes; a longer one would end at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      for (let left = ms; left >= 0; left -= TIMER_MS_MAX) {
        await wait(Math.min(left, TIMER_MS_MAX), undefined, { signal, ref: false })
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    }
  },
}

export const systemRandom: Random = {
  next: () => Math.random(),
  hex: (bytes) => randomBytes(bytes).toString('hex'),
  id: () => v7(),
}

/** Lets timers and sockets have their turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
