/** The real clock and chance, and the clock that tests move: one contract. */

import { expect, test } from 'vitest'
import { breathe, systemClock, systemRandom } from '../../infra/system.ts'
import { clockContract } from '../contract/clock.ts'
import { randomContract } from '../contract/random.ts'
import { steppedClock } from '../support/stepped-clock.ts'

clockContract('systemClock', () => ({ clock: systemClock }))

clockContract('steppedClock', () => {
  const clock = steppedClock()
  return { clock, pass: clock.advance }
})

randomContract('systemRandom', () => systemRandom)

test('a sleep keeps no process alive', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  const stop = new AbortController()
  const sleeping = systemClock.sleep(60_000, stop.signal).catch(() => 'aborted')
  expect(timers()).toBe(before)
  stop.abort()
  expect(await sleeping).toBe('aborted')
})

test('breathing lets timers and sockets in, however often it is done', async () => {
  let fired = false
  setTimeout(() => {
    fired = true
  }, 1)
  const end = performance.now() + 5_000
  while (!fired && performance.now() < end) await breathe()
  expect(fired).toBe(true)
})
