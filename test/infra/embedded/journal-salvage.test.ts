/** A damaged journal is salvaged: nothing readable is lost, nothing lost is silent, nothing moves. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PageFile, type Place } from '../../../infra/embedded/file-check-pages.ts'
import { survey } from '../../../infra/embedded/file-check-survey.ts'
import { checkJournal } from '../../../infra/embedded/journal-check.ts'
import { metasOf } from '../../../infra/embedded/journal-check-rows.ts'
import { type SalvageReport, salvageJournal } from '../../../infra/embedded/journal-salvage.ts'
import type { Journal } from '../../../services/ports/journal.ts'
import { type Damage, damageOf, flipped, truncated, zeroTail } from '../../faults/damage.ts'
import {
  type Comparison,
  compare,
  emptyPage,
  GATEWAY,
  type JournalFile,
  journalFile,
  newestOf,
  rowsOf,
  withJournal,
} from '../../support/journal-file.ts'
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
  const place = rowsOf(file.path, kind).at(-1)?.place
  if (place === undefined) throw new Error(`no row of kind ${kind}`)
  return place.page * 4096 + place.at
}

function textAt({ page, at, bytes }: Place): string {
  return file.bytes.toString('latin1', page * 4096 + at, page * 4096 + at + bytes)
}

describe('salvageJournal', () => {
  test('after any one flipped bit holds every reading at its position, but for those of one row whose frame it hit', async () => {
    const random = seededRandom(40)
    let lost = 0
    for (let i = 0; i < 30; i++) {
      const damage = flipped(file.bytes, random)
      const { declared, reported, silent, misplaced } = await outcome(damage)
      expect([damage.what, silent, misplaced, reported]).toEqual([damage.what, [], [], []])
      lost += declared.length > 0 ? 1 : 0
    }
    expect(lost).toBeLessThan(2)
  }, 60_000)

  test('loses no reading to the node that leads to its block, whichever bit of it flips', async () => {
    const [big] = rowsOf(file.path, 'B')
    if (big?.place.ownPages === undefined) throw new Error('no block with pages of its own')
    let damaged = 0
    // Older pages have the key, too.
    for (let key = file.bytes.indexOf(big.key); key >= 0; key = file.bytes.indexOf(big.key, key + 1)) {
      // Its length and flags, its key, and the page of its value.
      for (let bit = (key - 8) * 8; bit < (key + big.key.length + 8) * 8; bit += 7) {
        const bytes = Buffer.from(file.bytes)
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const { kept, silent, misplaced, isSound } = await outcome({ kind: 'node', what: `bit ${bit}`, bytes })
        expect([bit, kept, silent, misplaced]).toEqual([bit, file.held.size, [], []])
        damaged += isSound ? 0 : 1
      }
    }
    expect(damaged).toBeGreaterThan(15)
  }, 60_000)

  test('wherever the file is cut off, overwritten or rots: every reading is held at its position, declared void, or its epoch reported', async () => {
    const random = seededRandom(41)
    const damages = [
      ...Array.from({ length: 12 }, (_, i) => truncated(file.bytes, Math.floor((file.bytes.length * i) / 12))),
      ...Array.from({ length: 24 }, (_, i) => damageOf(file.bytes, i, random)),
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

  test('loses nothing with the pages that only lead to others', async () => {
    const bytes = emptyPage(Buffer.from(file.bytes), newestOf(file.path).main.root)
    const { kept, notes } = await outcome({ kind: 'root', what: 'the root', bytes })
    expect(kept).toBe(file.held.size)
    expect(notes.length).toBeGreaterThan(0)
  })

  test('loses no reading to a damaged key of its block, and only small blocks to a page of rows that is gone', async () => {
    const [first, ...others] = rowsOf(file.path, 'B')
    const small = others.at(-1)
    if (first === undefined || small === undefined) throw new Error('no blocks')
    const at = small.place.page * 4096 + small.place.at
    expect(small.place.bytes).toBeLessThan(2000)
    const bytes = Buffer.from(file.bytes)
    bytes.writeUInt8(bytes.readUInt8(at - small.key.length) ^ 64, at - small.key.length)
    expect((await outcome({ kind: 'key', what: 'a key', bytes })).kept).toBe(file.held.size)
    const gone = Buffer.from(file.bytes).fill(255, small.place.page * 4096, (small.place.page + 1) * 4096)
    const { kept, silent } = await outcome({ kind: 'leaf', what: 'a leaf', bytes: gone })
    expect(silent).toEqual([])
    expect(kept).toBeGreaterThan(file.held.size / 2)
  })

  test('of a sensor whose name is lost gives up the readings, and no others of their blocks', async () => {
    const [row] = rowsOf(file.path, 'N').filter(({ place }) => textAt(place).includes('one'))
    if (row === undefined) throw new Error('no series')
    const at = row.place.page * 4096 + row.place.at
    const bytes = Buffer.from(file.bytes).fill('?', at + 6, at + 9)
    const { declared, kept } = await outcome({ kind: 'name', what: 'a name', bytes })
    expect(new Set(declared.map(({ offer }) => offer.sensor))).toEqual(new Set(['one']))
    expect(kept + declared.length).toBe(file.held.size)
  })

  test('counts the readings it holds again where their manifest is lost', async () => {
    const row = rowsOf(file.path, 'M').at(-2)
    const at = row === undefined ? 0 : row.place.page * 4096 + row.place.at
    const countsOf = (journal: Journal): number =>
      journal.changedManifests(1e6).reduce((sum, { count }) => sum + count, 0)
    const before = await withJournal(file.beside('copy.mdb', file.bytes), async (journal) => countsOf(journal))
    const bytes = Buffer.from(file.bytes).fill('?', at + 6, at + 12)
    await outcome({ kind: 'manifest', what: 'a manifest', bytes }, async (journal) => {
      expect(countsOf(journal)).toBe(before)
    })
  })

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
      const answers = journal.epochs().map(({ epoch, lastSeq }) => {
        const pieces = [...journal.read(epoch, [1, lastSeq], 10_000)]
        return pieces.map((piece) => (piece.kind === 'void' ? `void: ${piece.why}` : piece.kind)).join()
      })
      expect(answers).toEqual(['pruned', 'pruned,void: corrupt', 'pruned', 'void: corrupt'])
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
    const { main, free } = newestOf(own.path)
    for (const root of [main.root, free.root]) emptyPage(bytes, root)
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
