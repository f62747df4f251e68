/** The embedded journal on both engines, and what it does when the engine fails or its rows are damaged. */

import { describe, expect, test } from 'vitest'
import { type JournalOptions, openJournal } from '../../../infra/embedded/journal.ts'
import { firstSubMs, nextSubMs } from '../../../infra/embedded/journal-clock.ts'
import { journalSource } from '../../../infra/embedded/journal-source.ts'
import type { Kv, KvTx } from '../../../infra/embedded/kv.ts'
import type { GatewayId } from '../../../schemas/reading.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import type { Journal } from '../../../services/ports/journal.ts'
import {
  append,
  codeThrownBy,
  type JournalSettingsUnderTest,
  type JournalUnderTest,
  journalContract,
  NEVER,
  offer,
  outline,
  readAll,
  series,
  T0,
} from '../../contract/journal.ts'
import { recoverySourceContract } from '../../contract/recovery-source.ts'
import { lmdbUnderTest } from '../../support/lmdb-under-test.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { memoryDisk, memoryKv } from '../../support/memory-kv.ts'
import { steppedClock } from '../../support/stepped-clock.ts'

const GATEWAY = 'g-1' as GatewayId
const BUILD_MS = Date.UTC(2025, 0, 1)
const SETTINGS: JournalSettingsUnderTest = {
  maxBytes: 100_000_000,
  keepMs: 7 * 86_400_000,
  whenFull: 'reject',
  identityKeepMs: 400 * 86_400_000,
}

function optionsOn(kv: Kv, settings: Partial<JournalSettingsUnderTest> = {}): JournalOptions {
  const clock = steppedClock(T0)
  return {
    kv,
    gateway: GATEWAY,
    clock,
    random: seededRandom(1),
    buildMs: BUILD_MS,
    settings: { ...SETTINGS, ...settings },
  }
}

function underTest(openKv: () => Promise<Kv>, files?: AsyncDisposable): JournalUnderTest {
  const clock = steppedClock(T0)
  const random = seededRandom(2)
  return {
    gateway: GATEWAY,
    clock,
    buildMs: BUILD_MS,
    open: async (settings) => {
      const kv = await openKv()
      return openJournal({ ...optionsOn(kv, settings), clock, random })
    },
    [Symbol.asyncDispose]: async () => files?.[Symbol.asyncDispose](),
  }
}

async function inMemory(): Promise<JournalUnderTest> {
  const disk = memoryDisk()
  return underTest(async () => memoryKv(disk))
}

async function onLmdb(): Promise<JournalUnderTest> {
  const lmdb = await lmdbUnderTest()
  return underTest(lmdb.reopen, lmdb)
}

journalContract('openJournal in memory', inMemory)
journalContract('openJournal on LMDB', onLmdb)
recoverySourceContract('journalSource', async () => {
  const it = await inMemory()
  const journal = await it.open()
  return { journal, source: journalSource(journal), [Symbol.asyncDispose]: () => it[Symbol.asyncDispose]() }
})

/** An engine whose writes can be made to fail: before the body, in a put, or at the commit. */
function failing(kv: Kv): Kv & { fail: 'never' | 'before' | 'put' | 'commit' } {
  const self: Kv & { fail: 'never' | 'before' | 'put' | 'commit' } = {
    fail: 'never',
    get: (key) => kv.get(key),
    range: (range) => kv.range(range),
    fileBytes: () => kv.fileBytes(),
    [Symbol.asyncDispose]: () => kv[Symbol.asyncDispose](),
    write: async (body) => {
      if (self.fail === 'before') throw new TidemarkError('closed', 'the engine')
      return kv.write((tx) => {
        let puts = 0
        const put: KvTx['put'] = (key, value) => {
          if (self.fail === 'put' && ++puts > 3) throw new RangeError('a put failed')
          tx.put(key, value)
        }
        const result = body({ get: tx.get, range: tx.range, delete: tx.delete, put })
        if (self.fail === 'commit') throw new TidemarkError('journal-poisoned', 'the sync failed')
        return result
      })
    },
  }
  return self
}

/** Every way to ask something of a journal. */
const CALLS: readonly ((journal: Journal) => unknown)[] = [
  (journal) => append(journal, [offer('s', T0)]),
  (journal) => journal.head(),
  (journal) => journal.grown(0, NEVER),
  (journal) => [...journal.read(journal.epoch, [1, 1], 1)],
  (journal) => [...journal.readWindow({ from: { ms: 0, ns: 0 }, to: { ms: T0, ns: 0 } }, 1)],
  (journal) => journal.epochs(),
  (journal) => journal.confirm({ stores: [], epochs: [] }),
  (journal) => journal.prune(),
  (journal) => journal.usage(),
  (journal) => journal.changedManifests(1),
  (journal) => journal.manifestsPublished([]),
  (journal) => journal.lastOutage(),
  (journal) => journal.unreportedOutages(),
  (journal) => journal.outageReported('x'),
  (journal) => journal.fact('x'),
  (journal) => journal.saveFact('x', 'y'),
]

describe('the embedded journal', () => {
  test('whose sync failed answers nothing any more, wakes who waits, and shows nothing of what it could not keep', async () => {
    const disk = memoryDisk()
    const kv = failing(memoryKv(disk))
    const journal = await openJournal(optionsOn(kv))
    await append(journal, series('s', 3))
    const waiting = codeThrownBy(journal.grown(3, NEVER))
    kv.fail = 'commit'
    const answers = await Promise.all([1, 2, 3].map((i) => codeThrownBy(append(journal, series('lost', 3, T0 + i)))))
    expect(answers).toEqual(['journal-poisoned', 'journal-poisoned', 'journal-poisoned'])
    expect(await waiting).toBe('journal-poisoned')
    kv.fail = 'never'
    for (const call of CALLS) expect(await codeThrownBy((async () => call(journal))())).toBe('journal-poisoned')
    const reopened = await openJournal(optionsOn(memoryKv(disk)))
    expect(readAll(reopened, journal.epoch, [1, 3])).toHaveLength(3)
    expect(await append(reopened, series('lost', 3, T0 + 1))).toEqual({ accepted: 3, duplicates: 0 })
  })

  test('forgets whatever an undone transaction had put into its memory', async () => {
    const kv = failing(memoryKv())
    const journal = await openJournal(optionsOn(kv))
    await append(journal, series('s', 3))
    kv.fail = 'put'
    const offers = [
      offer('s', T0, { other: 1 }),
      { ...offer('new', T0, { w: 'x' }), labels: { a: 'b' } },
      ...series('s', 9),
    ]
    await expect(append(journal, offers)).rejects.toThrow('a put failed')
    expect(journal.head()).toBe(3)
    const { bytes } = journal.usage()
    kv.fail = 'never'
    expect(await append(journal, offers)).toEqual({ accepted: 8, duplicates: 3 })
    expect(journal.usage().bytes).toBeGreaterThan(bytes)
    const readings = readAll(journal)
    expect(readings.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(readings[4]).toMatchObject({ sensor: 'new', labels: { a: 'b' }, values: { w: 'x' } })
    expect(journal.changedManifests(9).map(({ count }) => count)).toEqual([10, 1])
  })

  test('shows nothing before it has answered: no head, no readings, no manifests', async () => {
    const kv = memoryKv()
    let answer: () => void = () => undefined
    let gate: Promise<void> = Promise.resolve()
    const slow: Kv = {
      ...kv,
      write: async (body) => {
        const result = await kv.write(body)
        await gate
        return result
      },
    }
    const journal = await openJournal(optionsOn(slow))
    await append(journal, series('s', 3))
    await journal.manifestsPublished(journal.changedManifests(9))
    await append(journal, [offer('s', T0 + 5000)])
    const shown = (): unknown => [
      journal.head(),
      journal.usage(),
      journal.epochs(),
      journal.changedManifests(9),
      readAll(journal),
    ]
    const before = shown()
    const rows = [...kv.range({ from: Uint8Array.of(0), to: Uint8Array.of(255) })]
    gate = new Promise((resolve) => {
      answer = resolve
    })
    const appended = append(journal, [...series('s', 5, T0 + 6000), offer('new', T0)])
    const isWritten = (): boolean =>
      [...kv.range({ from: Uint8Array.of(0), to: Uint8Array.of(255) })].length > rows.length
    while (!isWritten()) await new Promise((resolve) => setImmediate(resolve))
    expect(shown()).toEqual(before)
    expect(outline(journal.read(journal.epoch, [1, 10], 20))).toEqual(['readings 1-4', 'never-held 5-10'])
    answer()
    await appended
    expect(journal.head()).toBe(10)
    expect(journal.changedManifests(9).map(({ count }) => count)).toEqual([9, 1])
  })

  test('a time of its own steps aside for a device that named the very same nanosecond', async () => {
    const journal = await openJournal(optionsOn(memoryKv()))
    const ns = nextSubMs(firstSubMs(journal.epoch))
    await append(journal, [offer('s', T0, { v: 1 }, ns), offer('s', T0, { v: 2 }, nextSubMs(ns))])
    expect(await append(journal, [offer('s', undefined, { v: 1 })])).toEqual({ accepted: 1, duplicates: 0 })
    expect(readAll(journal)[2]).toMatchObject({ ms: T0, ns: nextSubMs(nextSubMs(ns)), bumpNs: 0 })
  })

  test('whose engine was closed under it says so', async () => {
    const kv = failing(memoryKv())
    const journal = await openJournal(optionsOn(kv))
    kv.fail = 'before'
    expect(await codeThrownBy(append(journal, series('s', 3)))).toBe('closed')
  })

  test('is open only once on an engine', async () => {
    const kv = memoryKv()
    const journal = await openJournal(optionsOn(kv))
    expect(await codeThrownBy(openJournal(optionsOn(kv)))).toBe('data-locked')
    await journal[Symbol.asyncDispose]()
    const again = await openJournal(optionsOn(kv))
    expect(again.id).toBe(journal.id)
  })

  test('shares an engine with the journals of other gateways without meeting them', async () => {
    const kv = memoryKv()
    const journals = await Promise.all(
      ['a', 'b'].map((gateway) => openJournal({ ...optionsOn(kv), gateway: gateway as GatewayId })),
    )
    for (const journal of journals)
      expect(await append(journal, series('s', 4))).toEqual({ accepted: 4, duplicates: 0 })
    for (const journal of journals) expect(journal.usage().readings).toBe(4)
  })

  test('reports a damaged block by position, and still gives what lies around it', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(optionsOn(memoryKv(disk)))
    await append(journal, series('s', 2000))
    const blocks = disk.rows.filter(({ value }) => value[4] === 0x6b)
    expect(blocks.length).toBeGreaterThan(3)
    const damaged = blocks[1]
    damaged?.value.set([damaged.value[100] === 0 ? 1 : 0], 100)
    const reopened = await openJournal(optionsOn(memoryKv(disk)))
    expect(() => readAll(reopened, journal.epoch, [1, 2000])).toThrow('checksum')
    expect(outline(reopened.read(journal.epoch, [1, 10], 10))).toEqual(['readings 1-10'])
    expect(outline(reopened.read(journal.epoch, [1900, 2000], 200))).toEqual(['readings 1900-2000'])
    await reopened.confirm({ stores: [], epochs: [{ epoch: journal.epoch, settled: [[1, 2000]], complete: false }] })
    await reopened.prune()
    expect(await append(reopened, series('s', 2000))).toEqual({ accepted: 0, duplicates: 2000 })
  })

  test('counts the bytes of its rows, also when the block it would go on in was pruned', async () => {
    const disk = memoryDisk()
    const clock = steppedClock(T0)
    const journal = await openJournal({ ...optionsOn(memoryKv(disk)), clock })
    const counted = (): number => {
      const rows = disk.rows.filter(({ name }) => !name.startsWith('J\0\0') && name !== 'J\0\x01J')
      return rows.reduce((sum, { name, value }) => sum + name.length + value.length, 0)
    }
    await append(journal, series('s', 3))
    expect(journal.usage().bytes).toBe(counted())
    await journal.confirm({ stores: [], epochs: [{ epoch: journal.epoch, settled: [[1, 3]], complete: false }] })
    clock.advance(SETTINGS.keepMs)
    await journal.prune()
    expect(journal.usage().bytes).toBe(counted())
    await append(journal, series('s', 2, T0 + 9000))
    expect(journal.usage().bytes).toBe(counted())
  })

  test('small appends share blocks instead of taking a row each', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(optionsOn(memoryKv(disk)))
    for (let i = 0; i < 200; i++) await append(journal, [offer(`s${i % 4}`, T0 + i)])
    expect(disk.rows.filter(({ value }) => value[4] === 0x6b).length).toBeLessThan(10)
    expect(readAll(journal)).toHaveLength(200)
  })

  test('the same seed and the same calls leave the same bytes', async () => {
    const disks = [memoryDisk(), memoryDisk()]
    for (const disk of disks) {
      const journal = await openJournal(optionsOn(memoryKv(disk)))
      await Promise.all([
        append(journal, series('s', 50)),
        append(journal, [offer('s', undefined), offer('s', T0, { v: 'm' })]),
      ])
      await journal.saveFact('a', 'b')
    }
    expect(disks[0]?.rows).toEqual(disks[1]?.rows)
  })
})
