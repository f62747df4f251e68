/** A damaged journal with a copy of its names: every reading whose block is left lands in the new file, the others are declared; whatever became of the copy. */

import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkJournal } from '../../../infra/embedded/journal-check.ts'
import { type NameRow, namesText, parseNames } from '../../../infra/embedded/journal-names.ts'
import { namesBeside } from '../../../infra/embedded/journal-names-file.ts'
import { type SalvageReport, salvageJournal } from '../../../infra/embedded/journal-salvage.ts'
import { truncated } from '../../faults/damage.ts'
import {
  type Accepted,
  type Comparison,
  compare,
  GATEWAY,
  type JournalFile,
  journalFile,
  rowsOf,
  withJournal,
} from '../../support/journal-file.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { survivors, withCopiedJournal } from './journal-names-parts.ts'

/** Every kind of row that the copy has too. */
const NAMED = ['N', 's', 'l', 'E', 'J']
const CUTS = 15
let file: JournalFile
let names: Buffer
let id: string

beforeAll(async () => {
  file = await journalFile()
  const namesPath = namesBeside(file.path)
  id = await withCopiedJournal({ path: file.path, namesPath }, async (journal) => journal.id)
  names = readFileSync(namesPath)
})

afterAll(() => file[Symbol.asyncDispose]())

interface Salvaged extends Comparison {
  readonly report: SalvageReport
  readonly id: string
}

/** `copy` undefined: there is none. */
async function salvage(damaged: Uint8Array, copy: Uint8Array | undefined): Promise<Salvaged> {
  const path = file.beside('damaged.mdb', damaged)
  const target = `${file.folder}/salvaged.mdb`
  const beside = copy === undefined ? {} : { names: file.beside('damaged.names', copy) }
  const report = await salvageJournal({ path, target, gateway: GATEWAY, random: seededRandom(9), ...beside })
  expect(checkJournal(target)).toMatchObject({ sound: true, faults: [] })
  const found = await withJournal(target, async (journal) => ({
    ...compare(file.held, journal, report.endUnknown),
    id: journal.id,
  }))
  expect(checkJournal(target)).toMatchObject({ sound: true, faults: [] })
  expect([found.silent, found.misplaced]).toEqual([[], []])
  return { ...found, report }
}

/** The pages of all rows of these kinds filled with zeros. */
function without(kinds: readonly string[]): { readonly bytes: Buffer; readonly pages: ReadonlySet<number> } {
  const bytes = Buffer.from(file.bytes)
  const pages = new Set(kinds.flatMap((kind) => rowsOf(file.path, kind).map(({ place }) => place.page)))
  for (const page of pages) bytes.fill(0, page * 4096, (page + 1) * 4096)
  return { bytes, pages }
}

function lost({ declared, reported }: Comparison): readonly Accepted[] {
  return [...declared, ...reported]
}

describe('salvageJournal with a copy of names', () => {
  test('of a file cut off anywhere holds every reading whose block is left, and declares the others', async () => {
    let kept = 0
    let keptBefore = 0
    for (let i = 1; i <= CUTS; i++) {
      const { bytes, what } = truncated(file.bytes, Math.floor((file.bytes.length * i) / (CUTS + 1)))
      const pages = Math.floor(bytes.length / 4096)
      const isLeft = survivors(file.path, (_, to) => to < pages)
      const salvaged = await salvage(bytes, names)
      expect([what, lost(salvaged).filter(isLeft)]).toEqual([what, []])
      expect(salvaged.id).toBe(id)
      kept += salvaged.kept
      keptBefore += (await salvage(bytes, undefined)).kept
    }
    console.log(`cut off at ${CUTS} places: ${kept} of ${CUTS * file.held.size} held, ${keptBefore} without the copy`)
    expect(kept).toBeGreaterThan(keptBefore)
  }, 60_000)

  test('of a file whose pages of names are overwritten holds every reading that is not on those pages', async () => {
    for (const kinds of [...NAMED.map((kind) => [kind]), NAMED]) {
      const { bytes, pages } = without(kinds)
      const isLeft = survivors(file.path, (from) => !pages.has(from))
      const salvaged = await salvage(bytes, names)
      expect([kinds, lost(salvaged).filter(isLeft)]).toEqual([kinds, []])
      expect(salvaged.id).toBe(id)
      expect(salvaged.report.copied).toBeGreaterThan(0)
      expect(salvaged.kept).toBeGreaterThan(file.held.size / 2)
    }
    expect((await salvage(without(NAMED).bytes, undefined)).kept).toBe(0)
  })

  test('knows how far every epoch but the newest went, when nothing else tells', async () => {
    const { bytes } = truncated(file.bytes, 0)
    const lastSeqs = await withJournal(file.beside('copy.mdb', file.bytes), async (journal) => journal.epochs())
    const { report } = await salvage(bytes, names)
    const newest = lastSeqs.at(-1)?.epoch
    const wholly = report.voided.filter(
      ({ epoch }) => epoch !== newest && lastSeqs.some((each) => each.epoch === epoch),
    )
    expect(wholly).toEqual(lastSeqs.slice(0, -1).map(({ epoch, lastSeq }) => ({ epoch, ranges: [[1, lastSeq]] })))
    expect(report.endUnknown).toContain(newest)
    expect(report.endUnknown).not.toContain(lastSeqs[0]?.epoch)
  })

  test('misplaces and hides nothing, wherever the copy was torn or rotted', async () => {
    const { bytes, pages } = without(NAMED)
    const isLeft = survivors(file.path, (from) => !pages.has(from))
    const random = seededRandom(61)
    for (let i = 0; i < 12; i++) await salvage(bytes, names.subarray(0, Math.floor((names.length * i) / 12)))
    for (let i = 0; i < 12; i++) {
      const rotten = Buffer.from(names)
      const at = Math.floor(random.next() * names.length)
      rotten.writeUInt8(rotten.readUInt8(at) ^ (1 << Math.floor(random.next() * 8)), at)
      await salvage(bytes, rotten)
      expect(lost(await salvage(without(['N']).bytes, rotten)).filter(isLeft).length).toBeLessThan(file.held.size / 2)
    }
    expect((await salvage(file.bytes, Buffer.alloc(300, 255))).kept).toBe(file.held.size)
  }, 60_000)

  test('does not use the copy of another journal', async () => {
    const { rows } = parseNames(names)
    const foreign = rows.map(([kind, number, content]): NameRow => {
      const isOther = (kind === 'N' || kind === 'J') && typeof content === 'string'
      return [kind, number, isOther ? `${content}x` : content]
    })
    const copy = Buffer.from(namesText(foreign))
    const { kept, report, id: now } = await salvage(file.bytes, copy)
    expect([kept, report.copied, now]).toEqual([file.held.size, 0, id])
    expect(report.notes.join()).toContain('another journal')
    // Without the id to tell by, names that differ do.
    const other = await salvage(without(['J']).bytes, copy)
    expect(other.report.notes.join()).toContain('another journal')
    // Where nothing can tell, what the readings' digests deny is not believed.
    expect((await salvage(without(NAMED).bytes, copy)).kept).toBe(0)
  })

  test('is not misled by a row of names that got another number', async () => {
    const row = rowsOf(file.path, 'N').at(4)
    if (row === undefined) throw new Error('no series')
    const bytes = Buffer.from(file.bytes)
    const at = row.place.page * 4096 + row.place.at - 1
    expect(bytes.readUInt8(at)).toBe(5)
    bytes.writeUInt8(4, at)
    expect((await salvage(bytes, names)).kept).toBe(file.held.size)
    const { declared } = await salvage(bytes, undefined)
    expect(declared.length).toBeGreaterThan(0)
    bytes.writeUInt8(7, at)
    expect((await salvage(bytes, names)).kept).toBe(file.held.size)
  })

  test('goes on in a journal whose opening makes a whole copy again', async () => {
    const { report } = await salvage(without(NAMED).bytes, names)
    const [path, namesPath] = [`${file.folder}/salvaged.mdb`, `${file.folder}/salvaged.names`]
    writeFileSync(namesPath, names)
    await withCopiedJournal({ path, namesPath }, async (journal) => {
      expect(journal.usage().readings).toBe(report.readings)
      await journal.append({ offers: [{ type: 'air', sensor: 'new', labels: {}, values: { pm10: 1 } }] })
    })
    const { rows, isWhole } = parseNames(readFileSync(namesPath))
    expect(isWhole).toBe(true)
    expect(rows.some(([kind, , content]) => kind === 'N' && content === 'air\0new')).toBe(true)
    for (const row of parseNames(names).rows) if (row[0] !== 'E') expect(rows).toContainEqual(row)
  })
})
