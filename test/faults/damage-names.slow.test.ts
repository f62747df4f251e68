/** A journal of real size that is cut off, or loses the pages of its names, with the copy of them beside it: every reading whose block is left goes on. */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseNames } from '../../infra/embedded/journal-names.ts'
import { namesBeside } from '../../infra/embedded/journal-names-file.ts'
import type { SalvageReport } from '../../infra/embedded/journal-salvage.ts'
import { sumHex } from '../../schemas/canonical.ts'
import type { Epoch } from '../../schemas/reading.ts'
import { size, subtract, upTo } from '../../services/core/range-set.ts'
import { salvageFile } from '../../services/main/file-check-process.ts'
import type { Journal } from '../../services/ports/journal.ts'
import { survivors, withCopiedJournal } from '../infra/embedded/journal-names-parts.ts'
import { GATEWAY, rowsOf } from '../support/journal-file.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { post, series, startUp, tidemark } from '../support/up-process.ts'

const T0 = Date.UTC(2026, 9, 1)
const EPOCHS = 3
const REQUESTS = 200
const READINGS_A_REQUEST = 500
const PAGE_BYTES = 4096
const CUTS = 8

interface Place {
  readonly epoch: Epoch
  readonly seq: number
}

test('of a journal of 300,000 readings, cut off at many places or without its pages of names, every reading whose block is left goes on and the rest is declared', async () => {
  await using dir = await temporaryDir()
  const path = join(dir.path, 'journal.mdb')
  for (let life = 0; life < EPOCHS; life++)
    await withCopiedJournal({ path, namesPath: namesBeside(path), seed: life }, (journal) => fill(journal, life))
  const before = await withCopiedJournal({ path, namesPath: namesBeside(path) }, async (journal) => placesIn(journal))
  const bytes = readFileSync(path)
  const names = readFileSync(namesBeside(path))
  const namePages = new Set(
    ['N', 's', 'l', 'E', 'J'].flatMap((kind) => rowsOf(path, kind).map(({ place }) => place.page)),
  )
  const zeroed = Buffer.from(bytes)
  for (const page of namePages) zeroed.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
  const cuts = Array.from({ length: CUTS - 1 }, (_, i) => {
    const at = Math.floor((bytes.length * (i + 1)) / CUTS)
    const isLeft = survivors(path, (_, to) => (to + 1) * PAGE_BYTES <= at)
    return { what: `cut to ${at} bytes`, bytes: bytes.subarray(0, at), isLeft }
  })
  const damages = [
    ...cuts,
    { what: 'pages of names zeroed', bytes: zeroed, isLeft: survivors(path, (from) => !namePages.has(from)) },
  ]
  console.log(`${before.size} readings, ${bytes.length} bytes, ${names.length} of them copied`)
  for (const { what, bytes: damaged, isLeft } of damages) {
    const bad = join(dir.path, 'bad.mdb')
    writeFileSync(bad, damaged)
    writeFileSync(namesBeside(bad), names)
    const fromMs = performance.now()
    const report = await salvaged(bad, join(dir.path, 'new.mdb'))
    const tookMs = Math.round(performance.now() - fromMs)
    const left = [...before.values()].filter(isLeft).length
    const { kept, lacking, misplaced, undeclared } = await compared(join(dir.path, 'new.mdb'), before, isLeft, report)
    writeFileSync(namesBeside(bad), '')
    const without = await salvaged(bad, join(dir.path, 'without.mdb'))
    console.log({ what, left, kept, keptWithoutCopy: without.readings, tookMs })
    expect({ what, lacking, misplaced, undeclared }).toEqual({ what, lacking: 0, misplaced: 0, undeclared: 0 })
    expect(kept).toBe(report.readings)
  }
}, 600_000)

test('every gateway has a copy of its names, which is kept with a damaged journal, and goes when all is cleared', async () => {
  await using dir = await temporaryDir()
  const up = await startUp(dir.path)
  await post(up.url, series(100, T0))
  const path = join(dir.path, 'gateways', 'local', 'journal.mdb')
  expect(parseNames(readFileSync(namesBeside(path))).rows.map(([kind]) => kind)).toEqual(['J', 'N', 's', 'E'])
  await up.end('SIGKILL')
  const names = readFileSync(namesBeside(path))
  writeFileSync(path, readFileSync(path).subarray(0, 10_000))
  const again = await startUp(dir.path)
  await post(again.url, series(100, T0, 's2'))
  expect(readFileSync(path.replace('journal.mdb', 'journal.damaged-1.names'))).toEqual(names)
  expect(parseNames(readFileSync(namesBeside(path)))).toMatchObject({
    isWhole: true,
    rows: expect.arrayContaining(parseNames(names).rows.slice(0, 3)),
  })
  await again.end('SIGTERM')
  expect((await tidemark(dir.path, ['clear', '--yes'])).code).toBe(0)
  expect(existsSync(namesBeside(path))).toBe(false)
})

async function fill(journal: Journal, life: number): Promise<void> {
  for (let i = 0; i < REQUESTS; i++) {
    const offers = Array.from({ length: READINGS_A_REQUEST }, (_, k) => ({
      type: k % 2 === 0 ? 'air' : 'soil',
      sensor: `s${k % 250}`,
      labels: { room: `r${k % 20}` },
      time: { ms: T0 + life * 1e9 + i * 60_000 + k, ns: 0 },
      values: { temperature: k + i / 8, humidity: i },
    }))
    await journal.append({ offers })
  }
}

/** By digest. */
function placesIn(journal: Journal): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>()
  for (const { epoch, lastSeq } of journal.epochs()) {
    for (const piece of journal.read(epoch, [1, lastSeq], 10_000)) {
      if (piece.kind === 'readings')
        for (const { seq, digest } of piece.readings) places.set(sumHex(digest), { epoch, seq })
    }
  }
  return places
}

async function salvaged(path: string, target: string): Promise<SalvageReport> {
  const report = await salvageFile(path, target, GATEWAY)
  if (typeof report === 'string') throw new Error(report)
  expect(statSync(target).size).toBeGreaterThan(0)
  return report
}

interface Compared {
  readonly kept: number
  /** Whose block was left, and that are not held. */
  readonly lacking: number
  readonly misplaced: number
  /** Not held and not void, in an epoch whose end was known. */
  readonly undeclared: number
}

async function compared(
  path: string,
  before: ReadonlyMap<string, Place>,
  isLeft: (place: Place) => boolean,
  { endUnknown }: SalvageReport,
): Promise<Compared> {
  return withCopiedJournal({ path, namesPath: namesBeside(path) }, async (journal) => {
    const now = placesIn(journal)
    const epochs = new Map(journal.epochs().map((each) => [each.epoch, each]))
    let [lacking, misplaced, undeclared] = [0, 0, 0]
    for (const [digest, place] of before) {
      const found = now.get(digest)
      if (found === undefined && isLeft(place)) lacking++
      if (found !== undefined && (found.epoch !== place.epoch || found.seq !== place.seq)) misplaced++
      const info = epochs.get(place.epoch)
      const isVoid = info?.voided.some(({ range }) => range[0] <= place.seq && place.seq <= range[1]) === true
      const isPastEnd = info !== undefined && endUnknown.includes(info.epoch) && place.seq > info.lastSeq
      if (found === undefined && !isVoid && !isPastEnd) undeclared++
    }
    const held = journal.epochs().map(({ lastSeq, voided }) =>
      size(
        subtract(
          upTo(lastSeq),
          voided.map(({ range }) => range),
        ),
      ),
    )
    expect(held.reduce((sum, each) => sum + each, 0)).toBe(now.size)
    return { kept: now.size, lacking, misplaced, undeclared }
  })
}
