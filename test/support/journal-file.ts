/** A journal's file in a folder of its own, with readings of every sort in it, and what of them another file still holds or has declared. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Meta, PageFile, type Place } from '../../infra/embedded/file-check-pages.ts'
import { survey } from '../../infra/embedded/file-check-survey.ts'
import { openJournal } from '../../infra/embedded/journal.ts'
import { metasOf } from '../../infra/embedded/journal-check-rows.ts'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { sumHex } from '../../schemas/canonical.ts'
import type { Epoch, GatewayId, Range } from '../../schemas/reading.ts'
import { addNanos } from '../../schemas/time.ts'
import { contains, rangeSet } from '../../services/core/range-set.ts'
import type { Journal, Offer } from '../../services/ports/journal.ts'
import { seededRandom } from './manual-clock.ts'
import { steppedClock } from './stepped-clock.ts'
import { temporaryDir } from './temporary-dir.ts'

export const GATEWAY = 'g-1' as GatewayId
const T0 = Date.UTC(2026, 9, 1)
const STORES = [{ store: 's', generation: 'g' }]

/** Where a reading stood, and how to offer it again. */
export interface Accepted {
  readonly epoch: Epoch
  readonly seq: number
  readonly offer: Offer
}

/** By digest. */
export type Readings = ReadonlyMap<string, Accepted>

export interface JournalFile extends AsyncDisposable {
  readonly folder: string
  readonly path: string
  readonly bytes: Buffer
  /** All that it holds. */
  readonly held: Readings
  /** Beside the file, with other content. */
  beside(name: string, bytes: Uint8Array): string
}

export async function withJournal<T>(path: string, work: (journal: Journal) => Promise<T>, seed = 1): Promise<T> {
  rmSync(`${path}-lock`, { force: true })
  await using kv = openLmdbKv(path)
  const random = seededRandom(seed)
  const settings = { maxBytes: 1e9, keepMs: 0, whenFull: 'reject', identityKeepMs: 4e10 } as const
  const options = { kv, gateway: GATEWAY, clock: steppedClock(T0 + 1e9), random, buildMs: 0, settings }
  await using journal = await openJournal(options)
  return await work(journal)
}

/** Four epochs: the first settled and pruned, the second in part, every kind of row among them. */
export async function journalFile(requestsAnEpoch = 12): Promise<JournalFile> {
  const dir = await temporaryDir()
  const path = join(dir.path, 'journal.mdb')
  for (let life = 0; life < 4; life++) await withJournal(path, (journal) => live(journal, life, requestsAnEpoch), life)
  const held = await withJournal(path, async (journal) => readingsIn(journal))
  return {
    folder: dir.path,
    path,
    bytes: readFileSync(path),
    held,
    beside: (name, bytes) => {
      const other = join(dir.path, name)
      writeFileSync(other, bytes)
      return other
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

async function live(journal: Journal, life: number, requests: number): Promise<void> {
  for (let i = 0; i < requests; i++) {
    const offers = Array.from({ length: 60 }, (_, k) => offerAt(life, i, k))
    const twice = { ...offerAt(life, i, 7), values: { temperature: -1.5 } }
    const idempotency = { key: `k${life}-${i}`, fingerprint: 'f', note: 'n' }
    await journal.append({ offers: [...offers, twice, { ...twice, values: { temperature: -2.5 } }], idempotency })
    await journal.append({ offers: [{ type: 'air', sensor: 'one', labels: {}, values: { pm10: i } }] })
  }
  await journal.saveFact('requests-next', String(life))
  const lostAt = { epoch: journal.epoch, seq: 1 }
  await journal.saveOutage({ id: `o${life}`, lostMs: T0, lostAt, noticedBy: 'test', reason: 'test' })
  if (life === 1) await settle(journal, (epoch) => (epoch === journal.epoch ? 200 : Number.POSITIVE_INFINITY))
}

function offerAt(life: number, request: number, k: number): Offer {
  const time = { ms: T0 + life * 1e8 + request * 60_000 + k * 1000, ns: 0 }
  const labels: Record<string, string> = k % 3 === 0 ? { room: `r${k % 4}` } : {}
  return {
    type: 'temperature',
    sensor: `s${k % 6}`,
    labels,
    time,
    values: { temperature: k + life, note: 'x'.repeat(k % 20) },
  }
}

/** Confirms what lies at or below a position of each epoch, and drops it. */
async function settle(journal: Journal, upTo: (epoch: Epoch) => number): Promise<void> {
  const epochs = journal.epochs().map(({ epoch, lastSeq }) => {
    const to = Math.min(upTo(epoch), lastSeq)
    return { epoch, settled: [[1, to]] as const, complete: to === lastSeq }
  })
  await journal.confirm({ stores: STORES, epochs })
  await journal.prune()
}

function readingsIn(journal: Journal): Readings {
  const out = new Map<string, Accepted>()
  for (const { epoch, lastSeq } of journal.epochs()) {
    for (const piece of journal.read(epoch, [1, lastSeq], 10_000)) {
      if (piece.kind !== 'readings') continue
      for (const { seq, type, sensor, labels, ms, ns, bumpNs, values, digest } of piece.readings) {
        const offer = { type, sensor, labels, time: addNanos({ ms, ns }, -bumpNs), values }
        out.set(sumHex(digest), { epoch, seq, offer })
      }
    }
  }
  return out
}

export interface Comparison {
  readonly kept: number
  /** Not held any more, and their position is void or settled. */
  readonly declared: readonly Accepted[]
  /** Not held, in an epoch that lost its end or its name: a void position more stands for them. */
  readonly reported: readonly Accepted[]
  /** Not held, and nobody says so. */
  readonly silent: readonly string[]
  /** At another position than they were given. */
  readonly misplaced: readonly string[]
}

/** What became of the readings of one file in another. `endUnknown` as the salvage reported. */
export function compare(before: Readings, journal: Journal, endUnknown: readonly string[]): Comparison {
  const now = readingsIn(journal)
  const epochs = new Map(journal.epochs().map((each) => [each.epoch, each]))
  const known = new Set([...before.values()].map(({ epoch }) => epoch))
  const hasNameless = [...epochs.values()].some((each) => !known.has(each.epoch) && each.voided.length > 0)
  const gone = {
    declared: [] as Accepted[],
    reported: [] as Accepted[],
    silent: [] as string[],
    misplaced: [] as string[],
  }
  let kept = 0
  for (const [digest, accepted] of before) {
    const { epoch, seq } = accepted
    const held = now.get(digest)
    const info = epochs.get(epoch)
    if (held !== undefined) kept++
    if (held !== undefined && (held.epoch !== epoch || held.seq !== seq)) gone.misplaced.push(`${epoch}/${seq}`)
    if (held !== undefined) continue
    if (info !== undefined && contains(rangeSet([...info.pruned, ...voidRanges(info)]), seq))
      gone.declared.push(accepted)
    else if (info === undefined ? hasNameless : endUnknown.includes(epoch) && seq > info.lastSeq)
      gone.reported.push(accepted)
    else gone.silent.push(`${epoch}/${seq}`)
  }
  return { kept, ...gone }
}

function voidRanges(info: { readonly voided: readonly { readonly range: Range }[] }): readonly Range[] {
  return info.voided.map(({ range }) => range)
}

export interface RowOfFile {
  readonly key: Uint8Array
  readonly place: Place
}

export function rowsOf(path: string, kind: string): readonly RowOfFile[] {
  const found: RowOfFile[] = []
  using pages = new PageFile(path)
  const row = (key: Uint8Array, _: Uint8Array, place: Place): void => {
    if (key[3] === kind.charCodeAt(0) && key[2] === 1) found.push({ key: Uint8Array.from(key), place })
  }
  survey(pages, newestOf(path), { row, fault: failOn })
  return found
}

export function newestOf(path: string): Meta {
  using pages = new PageFile(path)
  const [newest] = metasOf(pages)
  if (newest === undefined) throw new Error('no commit')
  return newest
}

function failOn({ what }: { readonly what: string }): never {
  throw new Error(what)
}

/** Leaves its header, and nothing of its nodes. */
export function emptyPage(bytes: Buffer, page = 0): Buffer {
  return bytes.fill(0, page * 4096 + 32, (page + 1) * 4096)
}
