/** The copy of a journal's names is on disk before a reading that needs it is acknowledged, costs nothing without new names, and mends itself. */

import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type NameRow, namesText, parseNames } from '../../../infra/embedded/journal-names.ts'
import { namesBeside } from '../../../infra/embedded/journal-names-file.ts'
import type { GatewayId } from '../../../schemas/reading.ts'
import type { Journal, Offer } from '../../../services/ports/journal.ts'
import { type TemporaryDir, temporaryDir } from '../../support/temporary-dir.ts'
import { type CopiedOptions, withCopiedJournal } from './journal-names-parts.ts'

const T0 = Date.UTC(2026, 9, 1)
let dir: TemporaryDir
let files: { readonly path: string; readonly namesPath: string }

beforeEach(async () => {
  dir = await temporaryDir()
  const path = join(dir.path, 'journal.mdb')
  files = { path, namesPath: namesBeside(path) }
})

afterEach(() => dir[Symbol.asyncDispose]())

function offer(sensor: string, i: number, labels: Readonly<Record<string, string>> = {}): Offer {
  return { type: 'air', sensor, labels, time: { ms: T0 + i, ns: 0 }, values: { pm10: i } }
}

function run<T>(work: (journal: Journal) => Promise<T>, options: Partial<CopiedOptions> = {}): Promise<T> {
  return withCopiedJournal({ ...files, ...options }, work)
}

/** Two epochs, three sensors, labels. */
async function small(): Promise<Buffer> {
  await run((journal) => journal.append({ offers: [offer('one', 1), offer('two', 2, { room: 'a' })] }), { seed: 1 })
  await run((journal) => journal.append({ offers: [offer('three', 3), offer('one', 4)] }), { seed: 2 })
  return readFileSync(files.namesPath)
}

function rowsNow(): readonly NameRow[] {
  return parseNames(readFileSync(files.namesPath)).rows
}

function textOf(row: NameRow): string {
  return JSON.stringify(row)
}

/** All rows but epochs and id. */
function texts(): readonly string[] {
  return rowsNow().flatMap(([kind, number, content]) =>
    typeof content === 'string' && kind !== 'J' ? [`${kind}${number} ${content.replace('\0', '/')}`] : [],
  )
}

describe('the copy of names', () => {
  test('holds every name by the time the reading that brought it is acknowledged', async () => {
    await run(async (journal) => {
      for (let i = 0; i < 20; i++) {
        await journal.append({ offers: [offer(`s${i}`, i, { room: `r${i % 3}` })] })
        expect(texts()).toContain(`N${i + 1} air/s${i}`)
        expect(texts().filter((text) => text.startsWith('l'))).toHaveLength(Math.min(i + 1, 3))
      }
      expect(rowsNow()).toContainEqual(['E', 1, { epoch: journal.epoch, acceptedBefore: 0 }])
      expect(rowsNow()).toContainEqual(['J', 0, journal.id])
    })
  })

  test('says with the first reading of an epoch how far the one before went', async () => {
    await small()
    const epochs = rowsNow().flatMap(([kind, , content]) => (kind === 'E' ? [content] : []))
    expect(epochs).toMatchObject([{ acceptedBefore: 0 }, { acceptedBefore: 2 }])
  })

  test('is not touched by readings without a new name, receipts or an opening', async () => {
    const before = await small()
    const { ino, mtimeNs } = statSync(files.namesPath, { bigint: true })
    await run(async () => undefined)
    expect(statSync(files.namesPath, { bigint: true })).toMatchObject({ ino, mtimeNs })
    await run(async (journal) => {
      await journal.append({ offers: [offer('one', 100)] })
      const begun = statSync(files.namesPath, { bigint: true })
      for (let i = 0; i < 50; i++)
        await journal.append({ offers: [offer('one', 200 + i), offer('two', i, { room: 'a' })] })
      const epochs = journal
        .epochs()
        .map(({ epoch, lastSeq }) => ({ epoch, settled: [[1, lastSeq]] as const, complete: true }))
      await journal.confirm({ stores: [{ store: 's', generation: 'g' }], epochs })
      await journal.prune()
      expect(statSync(files.namesPath, { bigint: true })).toMatchObject({ ino: begun.ino, mtimeNs: begun.mtimeNs })
    })
    expect(readFileSync(files.namesPath).subarray(0, before.length)).toEqual(before)
    await run(async (journal) => {
      await journal.append({ offers: [offer('one', 300)] })
      rmSync(files.namesPath)
      await journal.append({ offers: [offer('one', 301)] })
      expect(existsSync(files.namesPath)).toBe(false)
    })
  })

  test('knows no name of a request that was undone, and gives its number to the next', async () => {
    await run(
      async (journal) => {
        await journal.append({ offers: [offer('one', 1)] })
        const labels = Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`l${i}`, 'x'.repeat(400)]))
        const many = Array.from({ length: 200 }, (_, i) => offer(`big${i}`, i, { ...labels, i: String(i) }))
        await expect(journal.append({ offers: many })).rejects.toMatchObject({ code: 'journal-full' })
        await journal.append({ offers: [offer('two', 2)] })
        expect(texts()).toEqual(['N1 air/one', 's1 ["dpm10"]', 'N2 air/two'])
      },
      { maxBytes: 20_000 },
    )
  })

  test('is made anew at opening where it is missing, unreadable, wrong, or that of another journal', async () => {
    const whole = [...parseNames(await small()).rows].map(textOf).sort()
    const spoilt: readonly (() => void)[] = [
      () => rmSync(files.namesPath),
      () => writeFileSync(files.namesPath, ''),
      () => writeFileSync(files.namesPath, Buffer.alloc(5000, 255)),
      () => writeFileSync(files.namesPath, whole.join('\n')),
      () => appendFileSync(files.namesPath, 'the beginning of a line'),
      () => appendFileSync(files.namesPath, namesText([['N', 9, 'air\0never committed']])),
    ]
    for (const spoil of spoilt) {
      spoil()
      await run(async () => undefined)
      expect(parseNames(readFileSync(files.namesPath)).isWhole).toBe(true)
      expect(rowsNow().map(textOf).sort()).toEqual(whole)
    }
    const other = { path: join(dir.path, 'other.mdb'), gateway: 'g-2' as GatewayId, seed: 9 }
    await run(async (journal) => {
      await journal.append({ offers: [offer('else', 1)] })
      expect(texts()).toEqual(['N1 air/else', 's1 ["dpm10"]'])
    }, other)
    await run(async () => undefined)
    expect(rowsNow().map(textOf).sort()).toEqual(whole)
  })

  test('makes no journal out of names alone: where the file is gone a new one begins', async () => {
    await small()
    const before = await run(async (journal) => journal.id)
    for (const end of ['', '-lock']) rmSync(`${files.path}${end}`)
    await run(
      async (journal) => {
        expect([journal.id === before, journal.epochs()]).toEqual([false, []])
        expect(rowsNow()).toEqual([['J', 0, journal.id]])
      },
      { seed: 7 },
    )
  })

  test('is mended at opening wherever it was torn', async () => {
    const bytes = await small()
    const whole = [...parseNames(bytes).rows].map(textOf).sort()
    for (let at = 0; at < bytes.length; at += 7) {
      writeFileSync(files.namesPath, bytes.subarray(0, at))
      await run(async () => undefined)
      const { rows, isWhole } = parseNames(readFileSync(files.namesPath))
      expect([at, isWhole, rows.map(textOf).sort()]).toEqual([at, true, whole])
    }
  })

  test('that can not be written costs no reading, is warned of once, and is caught up with when it can', async () => {
    const warned: string[] = []
    const logger = { warn: (_: unknown, sentence: string) => void warned.push(sentence) }
    mkdirSync(`${files.namesPath}.new/in-the-way`, { recursive: true })
    await run(
      async (journal) => {
        for (let i = 0; i < 30; i++)
          expect(await journal.append({ offers: [offer(`s${i}`, i)] })).toMatchObject({ accepted: 1 })
        expect(warned).toHaveLength(1)
        expect(warned[0]).toContain('could not be written')
        rmSync(`${files.namesPath}.new`, { recursive: true })
        for (let i = 0; i < 100; i++) await journal.append({ offers: [offer('s0', 1000 + i)] })
        expect(texts().filter((text) => text.startsWith('N'))).toHaveLength(30)
        rmSync(files.namesPath)
        await journal.append({ offers: [offer('last', 2000)] })
        expect(texts().filter((text) => text.startsWith('N'))).toHaveLength(31)
        expect(warned).toHaveLength(1)
      },
      { logger },
    )
  })
})

describe('parseNames', () => {
  test('of a file cut off at any byte gives the rows before the cut, and no other', async () => {
    const bytes = await small()
    const written = new Set(
      bytes
        .toString('utf8')
        .split('\n')
        .map((line) => line.slice(9)),
    )
    for (let at = 0; at < bytes.length; at++) {
      const { rows, isWhole } = parseNames(bytes.subarray(0, at))
      const lines = bytes.subarray(0, at).filter((byte) => byte === 10).length
      expect(isWhole).toBe(at === 0 || bytes[at - 1] === 10)
      expect(rows).toHaveLength(lines)
      for (const row of rows) expect(written.has(textOf(row))).toBe(true)
    }
  })

  test('of a file with any one bit flipped loses at most two rows, and makes up none', async () => {
    const bytes = await small()
    const lines = new Set(
      bytes
        .toString('utf8')
        .split('\n')
        .map((line) => line.slice(9)),
    )
    const { rows } = parseNames(bytes)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const copy = Buffer.from(bytes)
      copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const found = parseNames(copy)
      expect([bit, found.isWhole]).toEqual([bit, false])
      expect(found.rows.length).toBeGreaterThanOrEqual(rows.length - 2)
      for (const row of found.rows) expect(lines.has(JSON.stringify(row))).toBe(true)
    }
  })
})
