/** A damaged file is found out without the engine, whatever of it is damaged. */

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkFile } from '../../../infra/embedded/file-check.ts'
import { PageFile } from '../../../infra/embedded/file-check-pages.ts'
import { repairedRow } from '../../../infra/embedded/file-check-repair.ts'
import { survey } from '../../../infra/embedded/file-check-survey.ts'
import { checkJournal } from '../../../infra/embedded/journal-check.ts'
import { openLmdbKv } from '../../../infra/embedded/lmdb-kv.ts'
import { seal } from '../../../infra/embedded/row-bytes.ts'
import { type JournalFile, journalFile, newestOf, rowsOf } from '../../support/journal-file.ts'
import { lmdbUnderTest } from '../../support/lmdb-under-test.ts'

/** Of the number of its commit in a meta page. */
const TRANSACTION_AT = 152
/** Of the number of rows there. */
const ENTRIES_AT = 128
let file: JournalFile

beforeAll(async () => {
  file = await journalFile()
})

afterAll(() => file[Symbol.asyncDispose]())

/** Where the last row of a kind stands in the file. */
function placeOf(kind: string): number {
  const place = rowsOf(file.path, kind).at(-1)?.place
  if (place === undefined) throw new Error(`no row of kind ${kind}`)
  return place.page * 4096 + place.at
}

describe('checkJournal', () => {
  test('finds a file sound that a journal wrote, with every kind of row in it', () => {
    expect(checkJournal(file.path)).toEqual({ path: file.path, bytes: file.bytes.length, sound: true, faults: [] })
  })

  test('finds a file sound to which nothing was ever written', async () => {
    await using it = await lmdbUnderTest()
    expect(checkJournal(it.path).faults).toEqual([])
    expect(checkFile({ kind: 'ledger', path: it.path }).faults).toEqual([])
  })

  test('reads the rows that the engine reads', async () => {
    const rows: string[] = []
    const engine: string[] = []
    {
      using pages = new PageFile(file.path)
      const meta = newestOf(file.path)
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

  test('finds a row that is missing though its page is sound', async () => {
    const path = file.beside('less.mdb', file.bytes)
    const [row] = rowsOf(path, 'B')
    {
      await using kv = openLmdbKv(path)
      await kv.write((tx) => tx.delete(row?.key ?? new Uint8Array(0)))
    }
    expect(checkJournal(path).faults.join()).toContain('are not where they were kept')
  })

  test('finds a tree that is not as long as its commit says, and commits that are not neighbours', () => {
    const newest = newestOf(file.path)
    for (const at of [newest.slot * 4096 + ENTRIES_AT, (1 - newest.slot) * 4096 + TRANSACTION_AT]) {
      const bytes = Buffer.from(file.bytes)
      bytes.writeUInt32LE(bytes.readUInt32LE(at) - 2, at)
      expect([at, checkJournal(file.beside('flip.mdb', bytes)).sound]).toEqual([at, false])
    }
  })

  test('finds a list of free pages that gives away a page in use: the engine would write over it', () => {
    const bytes = Buffer.from(file.bytes)
    using pages = new PageFile(file.path)
    const { main, free } = newestOf(file.path)
    const list = pages.page(free.root ?? 0)
    const node = list.kind === 'leaf' ? list.nodes[0] : undefined
    if (typeof node !== 'object') throw new Error('no list')
    bytes.writeUInt32LE(main.root ?? 0, node.place.page * 4096 + node.place.at + 8)
    expect(checkJournal(file.beside('free.mdb', bytes)).faults.join()).toContain('which is in use')
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
    const meta = newestOf(path)
    const faults: string[] = []
    const rows: Uint8Array[] = []
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
