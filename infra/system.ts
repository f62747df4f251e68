/** The real clock and the real chance: the only place outside `main.ts` that may ask the operating system for either. */

import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { v7 } from 'uuid'
import type { Clock, Random } from '../services/ports/clock.ts'

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, { signal, ref: false })
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
