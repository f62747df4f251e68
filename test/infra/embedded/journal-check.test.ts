/** A damaged journal is found out without the engine, and salvaged: nothing readable is lost, nothing lost is silent, nothing moves. */

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkFile } from '../../../infra/embedded/file-check.ts'
import { PageFile, type Place } from '../../../infra/embedded/file-check-pages.ts'
import { repairedRow } from '../../../infra/embedded/file-check-repair.ts'
import { survey } from '../../../infra/embedded/file-check-survey.ts'
import { checkJournal } from '../../../infra/embedded/journal-check.ts'
import { metasOf } from '../../../infra/embedded/journal-check-rows.ts'
import { type SalvageReport, salvageJournal } from '../../../infra/embedded/journal-salvage.ts'
import { openLmdbKv } from '../../../infra/embedded/lmdb-kv.ts'
import { seal } from '../../../infra/embedded/row-bytes.ts'
import type { Journal } from '../../../services/ports/journal.ts'
import { type Damage, damageOf, flipped, truncated, zeroTail } from '../../faults/damage.ts'
import {
  type Comparison,
  compare,
  GATEWAY,
  type JournalFile,
  journalFile,
  withJournal,
} from '../../support/journal-file.ts'
import { lmdbUnderTest } from '../../support/lmdb-under-test.ts'
import { seededRandom } from '../../support/manual-clock.ts'

/** Of the number of its commit in a meta page. */
const TRANSACTION_AT = 152
let file: JournalFile

beforeAll(async () => {
  file = await journalFile()
})

afterAll(() => file[Symbol.asyncDispose]())

interface Salvaged {
  readonly report: SalvageReport
  readonly path: string
}

async function salvage(damaged: Uint8Array): Promise<Salvaged> {
  const target = `${file.folder}/salvaged.mdb`
  const path = file.beside('damaged.mdb', damaged)
  const report = await salvageJournal({ path, target, gateway: GATEWAY, random: seededRandom(9) })
  return { report, path: target }
}

/** What became of all readings; the file that is used from then on is sound before and after. */
async function outcome(damage: Damage, work?: (journal: Journal, comparison: Comparison) => Promise<void>) {
  const path = file.beside('damaged.mdb', damage.bytes)
  const isSound = checkJournal(path).sound
  const salvaged = isSound ? undefined : await salvage(damage.bytes)
  const used = salvaged?.path ?? path
  expect(checkJournal(used)).toMatchObject({ sound: true, faults: [] })
  const found = await withJournal(used, async (journal) => {
    const comparison = compare(file.held, journal, salvaged?.report.endUnknown ?? [])
    await work?.(journal, comparison)
    return comparison
  })
  expect(checkJournal(used)).toMatchObject({ sound: true, faults: [] })
  return { ...found, isSound, notes: salvaged?.report.notes ?? [] }
}

/** Where the last row of a kind stands in the file. */
function placeOf(kind: string): number {
  let found = 0
  using pages = new PageFile(file.path)
  const [meta] = metasOf(pages)
  if (meta === undefined) throw new Error('no meta')
  const row = (key: Uint8Array, _: Uint8Array, { page, at }: Place): void => {
    if (key[3] === kind.charCodeAt(0) && key[2] === 1) found = page * pages.pageBytes + at
  }
  survey(pages, meta, { row, fault: ({ what }) => expect.fail(what) })
  expect([kind, found]).not.toEqual([kind, 0])
  return found
}

describe('checkJournal', () => {
  test('finds a file sound that a journal wrote, with every kind of row in it', () => {
    expect(checkJournal(file.path)).toEqual({ path: file.path, bytes: file.bytes.length, sound: true, faults: [] })
  })

  test('reads the rows that the engine reads', async () => {
    const rows: string[] = []
    const engine: string[] = []
    {
      using pages = new PageFile(file.path)
      const [meta] = metasOf(pages)
      if (meta === undefined) throw new Error('no meta')
      const row = (key: Uint8Array, value: Uint8Array): void => void rows.push(textOf(key, value))
      survey(pages, meta, { row, fault: ({ what }) => expect.fail(what) })
    }
    await using kv = openLmdbKv(file.beside('copy.mdb', file.bytes))
    for (const { key, value } of kv.range({ from: Uint8Array.of(0), to: Uint8Array.of(255) }))
      engine.push(textOf(key, value))
    expect(rows).toEqual(engine)
    expect(rows.length).toBeGreaterThan(50)
  })

  test.each([
    ['cut to nothing', 0, 'it is empty'],
    ['cut inside its first page', 1000, 'is in the tree twice'],
    ['cut after its first two pages', 8192, 'is not in the file'],
  ])('says of a file %s what is wrong', (_, at, fault) => {
    const { sound, faults } = checkJournal(file.beside('cut.mdb', file.bytes.subarray(0, at)))
    expect(sound).toBe(false)
    if (at !== 1000) expect(faults.join('; ')).toContain(fault)
  })

  test('finds out a single flipped bit in a row of any kind that has a checksum, and in either page the file begins with', () => {
    const rows = 'SJGEBLbMNslOFK'.split('').map((kind) => placeOf(kind) + 9)
    for (const at of [...rows, 24, 4096 + 24, TRANSACTION_AT, 4096 + TRANSACTION_AT]) {
      const bytes = Buffer.from(file.bytes)
      bytes.writeUInt8(bytes.readUInt8(at) ^ 16, at)
      expect([at, checkJournal(file.beside('flip.mdb', bytes)).sound]).toEqual([at, false])
    }
  })

  test('finds an older commit that poses as the newest: its meta page says so, its pages do not', () => {
    const bytes = Buffer.from(file.bytes)
    const at = (slot: number): number => slot * 4096 + TRANSACTION_AT
    const [zero, one] = [bytes.readUInt32LE(at(0)), bytes.readUInt32LE(at(1))]
    const older = zero < one ? 0 : 1
    expect(Math.abs(zero - one)).toBe(1)
    bytes.writeUInt32LE(Math.min(zero, one) + 2, at(older))
    expect(checkJournal(file.beside('older.mdb', bytes)).faults.join()).toContain('newest commit')
  })
})

describe('repairedRow', () => {
  test('puts right any one bit of a row, also one of its checksum', () => {
    const row = fc.uint8Array({ minLength: 6, maxLength: 3000 }).map((bytes) => seal(bytes, 0x6b))
    fc.assert(
      fc.property(row, fc.nat(), fc.integer({ min: 0, max: 7 }), (sound, place, bit) => {
        const copy = Buffer.from(sound)
        const at = place % copy.length
        copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at)
        expect(repairedRow(copy)).toEqual(Buffer.from(sound))
      }),
    )
  })

  test('leaves a row alone in which two bits have flipped', () => {
    const sound = Buffer.from(seal(Buffer.alloc(300, 'reading'), 0x6b))
    for (let i = 4; i < 200; i++) {
      const copy = Buffer.from(sound)
      copy.writeUInt8(copy.readUInt8(i) ^ 1, i)
      copy.writeUInt8(copy.readUInt8(i + 77) ^ 4, i + 77)
      expect(repairedRow(copy)).toBeUndefined()
    }
  })
})

describe('salvageJournal', () => {
  test('after any one flipped bit holds every reading at its position, but for those of one row whose frame it hit', async () => {
    const random = seededRandom(40)
    let lost = 0
    for (let i = 0; i < 60; i++) {
      const damage = flipped(file.bytes, random)
      const { declared, reported, silent, misplaced } = await outcome(damage)
      expect([damage.what, silent, misplaced, reported]).toEqual([damage.what, [], [], []])
      lost += declared.length > 0 ? 1 : 0
    }
    expect(lost).toBeLessThan(2)
  }, 60_000)

  test('wherever the file is cut off, overwritten or rots: every reading is held at its position, declared void, or its epoch reported', async () => {
    const random = seededRandom(41)
    const damages = [
      ...Array.from({ length: 12 }, (_, i) => truncated(file.bytes, Math.floor((file.bytes.length * i) / 12))),
      ...Array.from({ length: 36 }, (_, i) => damageOf(file.bytes, i, random)),
    ]
    const seen = { kept: 0, declared: 0, reported: 0, sound: 0 }
    for (const damage of damages) {
      const { kept, declared, reported, silent, misplaced, isSound } = await outcome(damage)
      expect([damage.what, silent, misplaced]).toEqual([damage.what, [], []])
      seen.kept += kept
      seen.declared += declared.length
      seen.reported += reported.length
      seen.sound += isSound ? 1 : 0
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
  }, 120_000)

  test('takes a lost reading again when it is offered again, and none that it holds', async () => {
    const damage = flipped(file.bytes, seededRandom(43), 400)
    const { declared } = await outcome(damage, async (journal, { declared, reported }) => {
      const gone = new Set([...declared, ...reported].map(({ offer }) => offer))
      const held = [...file.held.values()].map(({ offer }) => offer).filter((offer) => !gone.has(offer))
      expect(await journal.append({ offers: held })).toEqual({ accepted: 0, duplicates: held.length })
      expect(await journal.append({ offers: [...gone] })).toEqual({ accepted: gone.size, duplicates: 0 })
      expect(await journal.append({ offers: [...gone] })).toEqual({ accepted: 0, duplicates: gone.size })
    })
    expect(declared.length).toBeGreaterThan(10)
  })

  test('counts a lost reading in its manifest once, offered again or not', async () => {
    const countsOf = (journal: Journal): number =>
      journal.changedManifests(1e6).reduce((sum, { count }) => sum + count, 0)
    const before = await withJournal(file.beside('copy.mdb', file.bytes), async (journal) => countsOf(journal))
    const at = placeOf('B')
    const bytes = Buffer.from(file.bytes).fill('?', at + 60, at + 70)
    const damage = { kind: 'block', what: 'a block', bytes }
    await outcome(damage, async (journal, { declared }) => {
      expect(countsOf(journal)).toBe(before)
      expect(declared.length).toBeGreaterThan(0)
      await journal.append({ offers: declared.map(({ offer }) => offer) })
      expect(countsOf(journal)).toBe(before)
    })
  })

  test('answers for what it lost with void: corrupt, and with the receipt for what was settled before', async () => {
    await using own = await journalFile(4)
    await withJournal(own.path, (journal) => settleWithoutPruning(journal))
    const sound = checkJournal(own.path)
    expect(sound.sound).toBe(true)
    const bytes = overwriteBlocks(own.path)
    const target = `${own.folder}/new.mdb`
    const report = await salvageJournal({
      path: own.beside('bad.mdb', bytes),
      target,
      gateway: GATEWAY,
      random: seededRandom(1),
    })
    expect(report.voided.length).toBeGreaterThan(0)
    await withJournal(target, async (journal) => {
      const kinds = new Set<string>()
      for (const { epoch, lastSeq } of journal.epochs()) {
        for (const piece of journal.read(epoch, [1, lastSeq], 10_000)) {
          kinds.add(piece.kind === 'void' ? `void: ${piece.why}` : piece.kind)
        }
      }
      expect([...kinds].sort()).toEqual(['pruned', 'void: corrupt'])
    })
  })

  test('of which the counters are lost shows one void position more than it can read, so that it is never called complete', async () => {
    const bytes = Buffer.from(file.bytes)
    const newest = bytes.readUInt32LE(TRANSACTION_AT) > bytes.readUInt32LE(4096 + TRANSACTION_AT) ? 0 : 1
    bytes.fill(0, newest * 4096, newest * 4096 + 200)
    const { report, path } = await salvage(bytes)
    expect(report.notes.join()).toContain('newest commit')
    expect(report.endUnknown).toHaveLength(1)
    await withJournal(path, async (journal) => {
      const info = journal.epochs().find(({ epoch }) => report.endUnknown.includes(epoch))
      expect(info?.voided.at(-1)).toEqual({ range: [info?.lastSeq, info?.lastSeq], why: 'corrupt' })
      expect(info?.acknowledged).toBe(false)
    })
  })

  test('of which only the commit before the newest leads to rows finds those of the newest too, or shows that it has not', async () => {
    await using own = await journalFile(4)
    const bytes = Buffer.from(own.bytes)
    using pages = new PageFile(own.path)
    const [newest] = metasOf(pages)
    for (const root of [newest?.main.root, newest?.free.root])
      bytes.fill(0, (root ?? 0) * 4096, ((root ?? 0) + 1) * 4096)
    const target = `${own.folder}/new.mdb`
    const options = { path: own.beside('bad.mdb', bytes), target, gateway: GATEWAY, random: seededRandom(1) }
    const { endUnknown } = await salvageJournal(options)
    expect(endUnknown).toHaveLength(1)
    const { silent, misplaced } = await withJournal(target, async (journal) => compare(own.held, journal, endUnknown))
    expect([silent, misplaced]).toEqual([[], []])
  })

  test('of a file of which nothing can be read is a new journal, and says so', async () => {
    const { report, path } = await salvage(zeroTail(file.bytes, 0).bytes)
    expect(report).toMatchObject({ readings: 0, voided: expect.anything() })
    expect(report.notes.length).toBeGreaterThan(0)
    await withJournal(path, async (journal) => expect(journal.usage().readings).toBe(0))
  })
})

describe('checkFile', () => {
  test('finds rows of a store and a ledger that are not what was written', async () => {
    await using it = await lmdbUnderTest()
    await it.kv.write((tx) => tx.put(Buffer.from('R\0\x01L', 'latin1'), Buffer.from('no leaf')))
    expect(checkFile({ kind: 'store', path: it.path }).faults).toEqual(['the checksum of a row of kind L is wrong'])
    expect(checkFile({ kind: 'ledger', path: it.path }).faults).toEqual(['a row of the ledger is not what was written'])
    expect(checkFile({ kind: 'log', path: it.path }).sound).toBe(true)
  })

  test('looks only at what leads to the rows of a large file, and still sees that its end is missing', () => {
    const path = file.beside('cut.mdb', file.bytes.subarray(0, file.bytes.length / 2))
    using pages = new PageFile(path)
    const [meta] = metasOf(pages)
    const faults: string[] = []
    const rows: Uint8Array[] = []
    if (meta === undefined) throw new Error('no meta')
    const visitor = {
      row: (key: Uint8Array) => void rows.push(key),
      fault: ({ what }: { what: string }) => void faults.push(what),
    }
    survey(pages, meta, visitor, { leaves: false })
    expect(rows).toEqual([])
    expect(faults.join()).toContain('is not in the file')
  })
})

function textOf(key: Uint8Array, value: Uint8Array): string {
  return `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`
}

/** Confirms the third epoch, keeping what it holds. */
async function settleWithoutPruning(journal: Journal): Promise<void> {
  const third = journal.epochs()[2]
  const stores = [{ store: 's', generation: 'g' }]
  const lastSeq = third?.lastSeq ?? 0
  if (third === undefined) throw new Error('no third epoch')
  await journal.confirm({ stores, epochs: [{ epoch: third.epoch, settled: [[1, lastSeq]], complete: true }] })
}

/** Every block of the file with three bits wrong. */
function overwriteBlocks(path: string): Buffer {
  using pages = new PageFile(path)
  const [meta] = metasOf(pages)
  const bytes = pages.read(0, pages.pages)
  if (meta === undefined || bytes === undefined) throw new Error('no meta')
  const row = (_: Uint8Array, value: Uint8Array, place: Place): void => {
    if (value[4] !== 0x6b) return
    const at = place.page * pages.pageBytes + place.at
    bytes.fill('?', at + 60, at + 70)
  }
  survey(pages, meta, { row, fault: ({ what }) => expect.fail(what) })
  return bytes
}
