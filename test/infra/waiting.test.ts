/** What waits on a signal lets go of it: a signal that lives as long as its process would else keep everything that ever waited. */

import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { Bell, unlessAborted } from '../../infra/waiting.ts'

const never = new Promise<void>(() => undefined)

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

test('a wait that the bell ends leaves no listener behind', async () => {
  const { signal } = new AbortController()
  const bell = new Bell()
  const waiting = bell.wait(signal)
  expect(listeners(signal)).toBe(1)
  bell.ring()
  await waiting
  expect(listeners(signal)).toBe(0)
})

test.each([
  ['of the bell', (signal: AbortSignal) => new Bell().wait(signal)],
  ['for a promise', (signal: AbortSignal) => unlessAborted(never, signal)],
])('a wait %s that is aborted, then or before, leaves no listener behind', async (_, wait) => {
  const abort = new AbortController()
  const waiting = wait(abort.signal)
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(listeners(abort.signal)).toBe(0)
  await expect(wait(abort.signal)).rejects.toThrow('enough')
  expect(listeners(abort.signal)).toBe(0)
})
