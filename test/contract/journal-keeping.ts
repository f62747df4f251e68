/** What every journal promises of its epochs, manifests, keys, outages and facts. Part of `journalContract`. */

import { describe, expect, test } from 'vitest'
import { addDigest, emptySum, sumHex } from '../../schemas/canonical.ts'
import type { Journal, ManifestRow, OutageRow } from '../../services/ports/journal.ts'
import { append, type JournalUnderTest, offer, readAll, series, T0 } from './journal.ts'

const DAY = 86_400_000

/** Of what is held: the manifests it must have. */
function manifestsOf(journal: Journal): Map<string, { count: number; sum: string }> {
  const sums = new Map<string, { count: number; sum: Uint8Array }>()
  for (const { epoch, lastSeq } of journal.epochs()) {
    for (const { type, sensor, ms, digest } of readAll(journal, epoch, [1, lastSeq])) {
      const name = `${type}/${sensor}/${new Date(ms).toISOString().slice(0, 10)}`
      const row = sums.get(name) ?? { count: 0, sum: emptySum() }
      addDigest(row.sum, digest)
      sums.set(name, { count: row.count + 1, sum: row.sum })
    }
  }
  return new Map([...sums].map(([name, { count, sum }]) => [name, { count, sum: sumHex(sum) }]))
}

function byName(rows: readonly ManifestRow[]): Map<string, { count: number; sum: string }> {
  return new Map(rows.map(({ type, sensor, day, count, sum }) => [`${type}/${sensor}/${day}`, { count, sum }]))
}

export function journalKeepingContract(label: string, open: () => Promise<JournalUnderTest>): void {
  describe(`${label} keeps the contract of a journal: epochs,`, () => {
    test('each opening is a new epoch of 16 hex digits, and the journal stays the same', async () => {
      await using it = await open()
      const journals = [await it.open(), await it.open(), await it.open()]
      expect(new Set(journals.map(({ epoch }) => epoch)).size).toBe(3)
      for (const { epoch } of journals) expect(epoch).toMatch(/^[0-9a-f]{16}$/)
      expect(new Set(journals.map(({ id }) => id)).size).toBe(1)
    })

    test('earlier epochs keep their final, empty ones leave no trace, the open one has its head', async () => {
      await using it = await open()
      const first = await it.open()
      await append(first, series('s', 5))
      await it.open()
      const third = await it.open()
      await append(third, series('s', 7, T0 + DAY))
      const journal = await it.open()
      const ended = [
        [first.epoch, 5, false],
        [third.epoch, 7, false],
      ]
      const told = (): unknown[] => journal.epochs().map(({ epoch, lastSeq, open }) => [epoch, lastSeq, open])
      expect(told()).toEqual(ended)
      expect(journal.head()).toBe(0)
      await append(journal, [offer('s', T0 - 1)])
      expect(told()).toEqual([...ended, [journal.epoch, 1, true]])
      expect(readAll(journal, third.epoch, [1, 7])).toHaveLength(7)
    })

    test('fifty openings lose nothing', async () => {
      await using it = await open()
      for (let i = 0; i < 50; i++) await append(await it.open(), [offer('s', T0 + i)])
      const journal = await it.open()
      expect(journal.epochs()).toHaveLength(50)
      expect(journal.usage().readings).toBe(50)
      expect(await append(journal, [offer('s', T0 + 20)])).toEqual({ accepted: 0, duplicates: 1 })
    })
  })

  describe(`${label} keeps the contract of a journal: manifests,`, () => {
    test('count and sum what was accepted, by type, sensor and day of the reading', async () => {
      await using it = await open()
      const journal = await it.open()
      await append(journal, [...series('a', 3, T0 - 2000), ...series('b', 40), offer('a', T0, { v: 'moved' })])
      await append(journal, series('a', 3, T0 - 2000))
      for (let i = 0; i < 70; i++) await append(journal, [offer(`many${i}`, T0 - i * DAY * 30)])
      expect(manifestsOf(journal).size).toBe(73)
      expect(byName(journal.changedManifests(1000))).toEqual(manifestsOf(journal))
      const reopened = await it.open()
      expect(byName(reopened.changedManifests(1000))).toEqual(manifestsOf(reopened))
    })

    test('published ones are not given again until they change; one changed meanwhile is', async () => {
      await using it = await open()
      const journal = await it.open()
      await append(journal, [...series('a', 3), ...series('b', 3), ...series('c', 3, T0 - DAY)])
      const rows = journal.changedManifests(10)
      expect(rows).toHaveLength(3)
      await append(journal, [offer('b', T0 + 5, { v: 'more' })])
      await journal.manifestsPublished(rows)
      const left = journal.changedManifests(10)
      expect(byName(left)).toEqual(new Map([...manifestsOf(journal)].filter(([name]) => name.includes('/b/'))))
      const reopened = await it.open()
      expect(reopened.changedManifests(10)).toEqual(left)
      await reopened.manifestsPublished(left)
      await reopened.manifestsPublished(rows)
      expect(reopened.changedManifests(10)).toEqual([])
      const last = await it.open()
      expect(last.changedManifests(10)).toEqual([])
      await append(last, [offer('c', T0 - DAY + 3, { v: 'again' })])
      expect(last.changedManifests(10).map(({ sensor, count }) => [sensor, count])).toEqual([['c', 4]])
    })

    test('come oldest change first, no more than asked for, each change with a new version', async () => {
      await using it = await open()
      const journal = await it.open()
      for (const sensor of ['c', 'a', 'b']) await append(journal, series(sensor, 2))
      const rows = journal.changedManifests(2)
      expect(rows.map(({ sensor }) => sensor)).toEqual(['c', 'a'])
      const before = rows[0]?.version ?? 0
      await append(journal, [offer('c', T0 + 9)])
      expect(journal.changedManifests(9).find(({ sensor }) => sensor === 'c')?.version).toBeGreaterThan(before)
    })
  })

  describe(`${label} keeps the contract of a journal: idempotency keys,`, () => {
    const idempotency = { key: 'k '.repeat(300), fingerprint: 'f', note: '{"note":1}' }

    test('a known key gets its first answer and appends nothing, also beside its first time and after reopening', async () => {
      await using it = await open()
      const journal = await it.open()
      const request = { offers: [offer('s', undefined), offer('s', T0)], idempotency }
      const answers = await Promise.all([journal.append(request), journal.append(request)])
      const repeated = { accepted: 2, duplicates: 0, repeated: { fingerprint: 'f', note: '{"note":1}' } }
      expect(answers).toEqual([{ accepted: 2, duplicates: 0 }, repeated])
      expect(await (await it.open()).append({ ...request, idempotency: { ...idempotency, fingerprint: 'g' } })).toEqual(
        repeated,
      )
      expect(journal.head()).toBe(2)
    })

    test('a key is kept for a day and then means nothing', async () => {
      await using it = await open()
      const journal = await it.open()
      const empty = journal.usage().bytes
      await journal.append({ offers: [], idempotency })
      const kept = journal.usage().bytes
      it.clock.advance(DAY - 1)
      await journal.prune()
      expect((await journal.append({ offers: [], idempotency })).repeated).toBeDefined()
      it.clock.advance(1)
      expect((await journal.append({ offers: [], idempotency })).repeated).toBeUndefined()
      await journal.prune()
      expect((await journal.append({ offers: [], idempotency })).repeated).toBeDefined()
      expect(journal.usage().bytes).toBe(kept)
      it.clock.advance(DAY)
      await journal.prune()
      expect(journal.usage().bytes - empty).toBeLessThan(100)
    })
  })

  describe(`${label} keeps the contract of a journal: outages and facts,`, () => {
    const outage = (id: string, lostMs = T0): OutageRow => ({
      id,
      lostMs,
      lostAt: { epoch: 'e'.repeat(16) as Journal['epoch'], seq: 4 },
      noticedBy: 'uplink',
      reason: 'test',
    })

    test('the newest outage is the one first saved last, and is replaced by its id', async () => {
      await using it = await open()
      const journal = await it.open()
      expect(journal.lastOutage()).toBeUndefined()
      await journal.saveOutage(outage('a'))
      await journal.saveOutage(outage('b', T0 - 5))
      const restored = { ...outage('b', T0 - 5), restoredMs: T0, restoredAt: { epoch: journal.epoch, seq: 0 } }
      await journal.saveOutage(restored)
      await journal.saveOutage(outage('a', T0 + 1))
      expect((await it.open()).lastOutage()).toEqual(restored)
    })

    test('an outage is unreported until it is said to be, and again when it changes', async () => {
      await using it = await open()
      const journal = await it.open()
      await journal.saveOutage(outage('a'))
      await journal.saveOutage(outage('b'))
      expect(journal.unreportedOutages().map(({ id }) => id)).toEqual(['a', 'b'])
      await journal.outageReported('a')
      await journal.outageReported('unknown')
      expect((await it.open()).unreportedOutages()).toEqual([outage('b')])
      const reopened = await it.open()
      await reopened.saveOutage({ ...outage('a'), restoredMs: T0 + 9 })
      expect(reopened.unreportedOutages().map(({ id }) => id)).toEqual(['a', 'b'])
    })

    test('facts are kept by name, the last one said', async () => {
      await using it = await open()
      const journal = await it.open()
      expect(journal.fact('receipts')).toBeUndefined()
      await journal.saveFact('receipts', '17')
      await journal.saveFact('requests', 'é')
      await journal.saveFact('receipts', '18')
      const reopened = await it.open()
      expect([reopened.fact('receipts'), reopened.fact('requests')]).toEqual(['18', 'é'])
    })
  })
}
