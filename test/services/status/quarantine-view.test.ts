/** The quarantine as the page sees it: counted by code, the newest shown, read again only when it grew. */

import { expect, test } from 'vitest'
import type { QuarantineCode, QuarantineEntry } from '../../../schemas/records/events.ts'
import type { MessageLog } from '../../../services/ports/message-log.ts'
import { QuarantineView } from '../../../services/status/quarantine-view.ts'
import { manualClock } from '../../support/manual-clock.ts'

function entry(i: number, code: QuarantineCode = 'rejected', store = 'influxdb'): QuarantineEntry {
  return {
    kind: 'entry',
    id: `q${i}`,
    timeMs: 1_700_000_000_000 + i,
    code,
    reason: 'too old',
    gateway: 'g',
    store,
    source: { topic: 'readings', partition: 3, firstOffset: i, nextOffset: i + 1 },
    raw: new Uint8Array(10),
    attempts: 1,
  }
}

function viewOf(entries: QuarantineEntry[]) {
  const clock = manualClock()
  const counts = { reads: 0, asks: 0, next: 1 }
  const log = {
    offsets: async () => {
      counts.asks += 1
      return [{ first: 0, next: counts.next }]
    },
  } as unknown as MessageLog
  const view = new QuarantineView({
    clock,
    log: async () => log,
    entries: async function* () {
      counts.reads += 1
      yield* entries
    },
  })
  return { view, clock, counts }
}

test('shows the newest first, with where each came from, and counts all by code', async () => {
  const entries = Array.from({ length: 2500 }, (_, i) => entry(i, i % 5 === 0 ? 'conflict' : 'rejected'))
  const { view } = viewOf([entry(9999, 'key-mismatch', ''), ...entries])
  const { open, by_code, entries: shown } = await view.newest(3)
  expect([open, by_code]).toEqual([2501, { 'key-mismatch': 1, conflict: 500, rejected: 2000 }])
  expect(shown.map(({ id, redrivable, store, from }) => [id, redrivable, store, from])).toEqual([
    ['q9999', false, null, 'readings 3/9999'],
    ['q2499', true, 'influxdb', 'readings 3/2499'],
    ['q2498', true, 'influxdb', 'readings 3/2498'],
  ])
})

test('reads the topic once for all who ask, and again only when something was added to it', async () => {
  const entries = [entry(1)]
  const { view, clock, counts } = viewOf(entries)
  await Promise.all([view.newest(1), view.newest(1)])
  await clock.advance(2900)
  await view.newest(1)
  expect(counts).toMatchObject({ reads: 1, asks: 1 })
  await clock.advance(200)
  await view.newest(1)
  expect(counts).toMatchObject({ reads: 1, asks: 2 })
  entries.push(entry(2))
  counts.next += 1
  await clock.advance(3000)
  expect((await view.newest(1)).open).toBe(2)
  expect(counts.reads).toBe(2)
})

test('shows at once what somebody has closed on the page', async () => {
  const entries = [entry(1), entry(2)]
  const { view, counts } = viewOf(entries)
  await view.newest(10)
  entries.pop()
  counts.next += 1
  view.expire()
  expect((await view.newest(10)).open).toBe(1)
})
