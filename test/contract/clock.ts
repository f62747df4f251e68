/** What every clock promises (`services/ports/clock.ts`). */

import { describe, expect, test } from 'vitest'
import type { Clock } from '../../services/ports/clock.ts'

export interface ClockUnderTest {
  readonly clock: Clock
  /** Lets time pass; absent where it passes by itself. */
  pass?(ms: number): void
}

/** Timers may fire a little before their time by another clock of the same machine. */
const EARLY_MS = 2

export function clockContract(label: string, open: () => ClockUnderTest): void {
  describe(`${label} keeps the contract of a clock:`, () => {
    test('its wall time is milliseconds since 1970', () => {
      expect(open().clock.wallMs()).toBeGreaterThan(Date.UTC(2020, 0, 1))
    })

    test('its monotonic time never goes back', () => {
      const { clock, pass } = open()
      const times = Array.from({ length: 1000 }, (_, i) => {
        pass?.(i % 2)
        return clock.monotonicMs()
      })
      expect(times).toEqual(times.toSorted((a, b) => a - b))
    })

    test('a sleep lasts as long as asked, by both times', async () => {
      const { clock, pass } = open()
      const before = [clock.wallMs(), clock.monotonicMs()]
      const slept = clock.sleep(30, new AbortController().signal)
      pass?.(30)
      await slept
      const after = [clock.wallMs(), clock.monotonicMs()]
      for (const [i, time] of after.entries()) expect(time - (before[i] ?? 0)).toBeGreaterThanOrEqual(30 - EARLY_MS)
    })

    test('sleeps end in the order of their times', async () => {
      const { clock, pass } = open()
      const order: number[] = []
      const sleeps = [40, 1, 20].map((ms) => clock.sleep(ms, new AbortController().signal).then(() => order.push(ms)))
      for (let i = 0; i < 40; i++) {
        pass?.(1)
        await Promise.resolve()
      }
      await Promise.all(sleeps)
      expect(order).toEqual([1, 20, 40])
    })

    test('a sleep longer than a timer can be has not ended soon after', async () => {
      const { clock, pass } = open()
      const stop = new AbortController()
      let ended = false
      const long = clock.sleep(2 ** 31, stop.signal).then(
        () => {
          ended = true
        },
        () => undefined,
      )
      const short = clock.sleep(20, stop.signal)
      pass?.(20)
      await short
      expect(ended).toBe(false)
      stop.abort()
      await long
    })

    test('an aborted sleep rejects with the reason at once, before or meanwhile', async () => {
      const { clock } = open()
      const reason = new Error('stop')
      await expect(clock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
      const stop = new AbortController()
      const sleeping = clock.sleep(60_000, stop.signal)
      stop.abort(reason)
      await expect(sleeping).rejects.toBe(reason)
    })
  })
}
