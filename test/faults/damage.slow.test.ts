/**
 * Damaged files under real processes: `up` starts in bounded time or says what to do and ends; and everything that was ever acknowledged is in the store, or
 * its loss is declared, and no proof is complete without it. Many gateways share a data directory, each with its own damage.
 */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournal } from '../../infra/embedded/journal.ts'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import type { Epoch, GatewayId } from '../../schemas/reading.ts'
import type { Proof as CommandProof } from '../../services/commands/proof.ts'
import { checkFiles } from '../../services/main/file-check-process.ts'
import { check } from '../checker/checker.ts'
import { heldFromExport, nanosOf, valuesText } from '../checker/export-lines.ts'
import type { Declared, Offered, Placed, Proof, Span } from '../checker/history.ts'
import { survivors } from '../infra/embedded/journal-names-parts.ts'
import { seededRandom } from '../support/manual-clock.ts'
import { steppedClock } from '../support/stepped-clock.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { exported, lineOf, post, proofNow, series, startUp, tidemark, type UpProcess } from '../support/up-process.ts'
import { type Damage, damageOf, flipped, garbageTail, truncated, zeroTail } from './damage.ts'

const T0 = Date.UTC(2026, 9, 1)
const READINGS = 400
/** Of a start with that many damaged journals: a process to salvage each. */
const START_MS_A_GATEWAY = 1_500
const JOURNAL_BYTES_MAX = 200_000

interface Sent {
  readonly offered: readonly Offered[]
  readonly placed: readonly Placed[]
}

interface Reported {
  readonly voided: readonly { readonly epoch: string; readonly ranges: readonly Span[] }[]
  readonly endUnknown: readonly string[]
}

test('with one flipped bit in each of a hundred journals everything starts, and nothing that was acknowledged is missing without being declared', async () => {
  const random = seededRandom(51)
  const tally = await damagedFleet(100, (bytes) => flipped(bytes, random))
  console.log('flipped bits', tally)
  expect(tally.damaged).toBeGreaterThan(10)
}, 600_000)

test('with forty journals cut off, overwritten with zeros or garbage, or rotten, what is left lands and the rest is declared', async () => {
  const random = seededRandom(52)
  const tally = await damagedFleet(40, (bytes, i) => {
    const at = Math.floor((bytes.length * (i % 10)) / 10)
    const sweep = [truncated(bytes, at), zeroTail(bytes, at), garbageTail(bytes, at, random)]
    return sweep[Math.floor(i / 10)] ?? damageOf(bytes, i, random)
  })
  console.log('cut off, overwritten, rotten', tally)
  expect(tally.damaged).toBeGreaterThan(30)
  expect(tally.left).toBeGreaterThan(1000)
  expect(tally.declared).toBeGreaterThan(0)
  expect(tally.landed).toBeGreaterThan(0)
}, 600_000)

test('a damaged store or ledger ends the start with what to do, and that helps', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  const up = await startUp(dir)
  await post(up.url, series(3000, T0))
  const before = await proofNow(dir, '--wait', '30s')
  expect(before.code).toBe(0)
  await up.end('SIGTERM')
  for (const file of ['stores/embedded.mdb', 'ledger.mdb']) {
    const path = join(dir, file)
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.subarray(0, bytes.length / 2))
    const fromMs = performance.now()
    const ran = await tidemark(dir, ['up', '--no-demo', '--port', '0'])
    expect(ran.code).toBe(1)
    expect(performance.now() - fromMs).toBeLessThan(20_000)
    expect(ran.err).toContain(`${file} is damaged`)
    expect(ran.err).toContain('Delete it while nothing runs')
    for (const each of [path, `${path}-lock`]) rmSync(each, { force: true })
    const again = await startUp(dir)
    const proof = await proofNow(dir, '--wait', '60s')
    expect([file, proof.code]).toEqual([file, 0])
    expect(proof.gateways[0]).toMatchObject({ state: 'complete', accepted: 3000, settled: 3000 })
    expect(await exported(dir)).toEqual(series(3000, T0).map(lineOf).toSorted())
    await again.end('SIGTERM')
  }
})

test.each(['log.mdb', 'registry.mdb'])(
  'a damaged %s ends the start with what to do; without what that names gateways send what the store lacks',
  async (name) => {
    await using folder = await temporaryDir()
    const dir = folder.path
    const readings = [...series(2000, T0), ...series(2000, T0, 's2')]
    const up = await startUp(dir)
    await post(up.url, readings.slice(0, 2000))
    expect((await tidemark(dir, ['proof', '--wait', '30s'])).code).toBe(0)
    await tidemark(dir, ['link', 'cut', 'local'])
    await post(up.url, readings.slice(2000))
    await up.end('SIGKILL')
    const path = join(dir, name)
    writeFileSync(path, readFileSync(path).subarray(0, 20_000))
    const ran = await tidemark(dir, ['up', '--no-demo', '--port', '0'])
    const advised = [...new Set([name, 'log.mdb', 'ledger.mdb'])]
    expect([ran.code, ran.err.includes('Move it away together with')]).toEqual([1, true])
    for (const each of advised) {
      expect(ran.err).toContain(each)
      for (const end of ['', '-lock']) rmSync(join(dir, `${each}${end}`), { force: true })
    }
    const again = await startUp(dir)
    await tidemark(dir, ['link', 'restore', 'local'])
    expect((await tidemark(dir, ['proof', '--wait', '60s'])).code).toBe(0)
    expect(await exported(dir)).toEqual(readings.map(lineOf).toSorted())
    await post(again.url, series(500, T0, 's3'))
    expect((await tidemark(dir, ['proof', '--wait', '30s'])).code).toBe(0)
    await again.end('SIGTERM')
  },
)

test('a journal that is damaged and can not be salvaged ends the start, and is left as it is', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  const up = await startUp(dir)
  await post(up.url, series(500, T0))
  await up.end('SIGTERM')
  const path = journalOf(dir, 'local')
  const { bytes } = truncated(readFileSync(path), 20_000)
  writeFileSync(path, bytes)
  mkdirSync(join(dir, 'gateways', 'local', 'journal.salvaged.mdb'))
  for (let start = 0; start < 2; start++) {
    const ran = await tidemark(dir, ['up', '--no-demo', '--port', '0'])
    expect([ran.code, ran.err.includes('could not be salvaged')]).toEqual([1, true])
    expect(readFileSync(path)).toEqual(bytes)
  }
})

test('a check that hangs is ended, and the other files are still looked at', async () => {
  await using folder = await temporaryDir()
  const [pipe, file] = [join(folder.path, 'pipe.mdb'), join(folder.path, 'ledger.mdb')]
  expect(spawnSync('sh', ['-c', `mkfifo ${pipe}`]).status).toBe(0)
  const kv = openLmdbKv(file, { mapBytes: 1_000_000 })
  await kv.write((tx) => tx.put(Buffer.from('key'), Buffer.from('{}')))
  await kv[Symbol.asyncDispose]()
  const reports = await checkFiles([pipe, file].map((path) => ({ kind: 'ledger', path })))
  expect(reports.map(({ sound }) => sound)).toEqual([false, true])
  expect(reports[0]?.faults.join()).toContain('did not end within')
})

interface Tally {
  readonly gateways: number
  /** Whose journal was found damaged. */
  readonly damaged: number
  readonly acknowledged: number
  readonly landed: number
  /** In blocks whose pages the damage did not touch: all of them land, or had landed before. */
  readonly left: number
  readonly declared: number
  readonly states: Readonly<Record<string, number>>
  readonly startedMs: number
}

/** Half of what each gateway accepts lands, the other half waits in its journal when it is killed and its journal damaged. */
async function damagedFleet(count: number, damage: (bytes: Buffer, i: number) => Damage): Promise<Tally> {
  await using folder = await temporaryDir()
  const dir = folder.path
  const ids = Array.from({ length: count }, (_, i) => `g${i}`)
  const offered: Offered[] = []
  let up = await startUp(dir)
  for (const id of ids) offered.push(...(await accept(up, id, 0)))
  expect((await tidemark(dir, ['proof', '--wait', '60s'])).code).toBe(0)
  await up.end('SIGTERM')
  writeFileSync(join(dir, 'links.json'), JSON.stringify(ids.map((gateway) => ({ gateway }))))
  up = await startUp(dir)
  for (const id of ids) offered.push(...(await accept(up, id, READINGS / 2)))
  await up.end('SIGKILL')
  rmSync(join(dir, 'links.json'))
  const placed = (await Promise.all(ids.map((id) => placesIn(dir, id)))).flat()
  const damages = new Map(ids.map((id, i) => [id, harm(dir, id, (bytes) => damage(bytes, i))]))
  up = await startUp(dir)
  const startedMs = Math.round(up.startedMs)
  expect(startedMs).toBeLessThan(count * START_MS_A_GATEWAY + 15_000)
  await tidemark(dir, ['proof', '--wait', '90s'])
  const tally = await judge(dir, ids, { offered, placed }, damages)
  await up.end('SIGTERM')
  return { ...tally, startedMs }
}

async function accept(up: UpProcess, gateway: string, from: number): Promise<readonly Offered[]> {
  const readings = Array.from({ length: READINGS / 2 }, (_, i) => ({
    type: 'trial',
    sensor: `s${i % 5}`,
    time: new Date(T0 + (from + i) * 1000).toISOString(),
    values: { unique: `${gateway}-${from + i}`, temperature: i + 0.5 },
  }))
  const answer = await fetch(`${up.url}/readings?gateway=${gateway}`, {
    method: 'POST',
    body: JSON.stringify(readings),
  })
  expect(await answer.json()).toMatchObject({ accepted: readings.length })
  return readings.map(({ type, sensor, time, values }) => ({
    unique: values.unique,
    gateway,
    type,
    sensor,
    time: nanosOf(time),
    values: valuesText(values),
    outcome: 'ok',
    at: from === 0 ? 0 : 1,
  }))
}

function journalOf(dir: string, gateway: string): string {
  return join(dir, 'gateways', gateway, 'journal.mdb')
}

/** Read from a copy, before the damage. */
async function placesIn(dir: string, gateway: string): Promise<readonly Placed[]> {
  await using folder = await temporaryDir()
  const path = join(folder.path, 'copy.mdb')
  cpSync(journalOf(dir, gateway), path)
  await using kv = openLmdbKv(path, { mapBytes: 10_000_000 })
  const settings = { maxBytes: 1e9, keepMs: 1e12, whenFull: 'reject', identityKeepMs: 1e12 } as const
  const options = {
    kv,
    gateway: gateway as GatewayId,
    clock: steppedClock(T0),
    random: seededRandom(1),
    buildMs: 0,
    settings,
  }
  await using journal = await openJournal(options)
  return journal
    .epochs()
    .flatMap(({ epoch, lastSeq }) =>
      [...journal.read(epoch, [1, lastSeq], 10_000)].flatMap((piece) =>
        piece.kind === 'readings'
          ? piece.readings.map(({ seq, values }) => ({ unique: String(values.unique), gateway, epoch, seq }))
          : [],
      ),
    )
}

interface Harmed {
  readonly what: string
  /** Whether nothing happened to the pages of its block. */
  readonly isLeft: (reading: Placed) => boolean
}

function harm(dir: string, gateway: string, damage: (bytes: Buffer) => Damage): Harmed {
  const path = journalOf(dir, gateway)
  const bytes = readFileSync(path)
  expect(bytes.length).toBeLessThan(JOURNAL_BYTES_MAX)
  const { what, bytes: damaged } = damage(bytes)
  const pagesOf = (all: Buffer, from: number, to: number): Buffer => all.subarray(from * 4096, (to + 1) * 4096)
  const isLeft = survivors(path, (from, to) => pagesOf(damaged, from, to).equals(pagesOf(bytes, from, to)))
  writeFileSync(path, damaged)
  return { what, isLeft: ({ epoch, seq }) => isLeft({ epoch: epoch as Epoch, seq }) }
}

async function judge(
  dir: string,
  ids: readonly string[],
  { offered, placed }: Sent,
  damages: ReadonlyMap<string, Harmed>,
): Promise<Omit<Tally, 'startedMs'>> {
  const ran = await tidemark(dir, ['export', '--store', 'embedded', '--format', 'ndjson'])
  const held = heldFromExport('embedded', ran.out, 'unique')
  const landed = new Set(held.map(({ unique }) => unique))
  const proofs = await proofsOf(dir)
  const left = placed.filter((each) => damages.get(each.gateway)?.isLeft(each) === true)
  expect(left.filter(({ unique }) => !landed.has(unique)).slice(0, 20)).toEqual([])
  const declared = ids.flatMap((id) => declaredBy(dir, id, placed, landed))
  const { verdicts, counts } = check({ requiredStores: ['embedded'], offered, held, placed, declared, proofs })
  const said = verdicts.map(
    (each) => `${each.class} ${each.identity}: ${each.detail}; ${damages.get(gatewayOf(each.identity, ids))?.what}`,
  )
  expect(said.slice(0, 20)).toEqual([])
  expect(counts.accepted).toBe(ids.length * READINGS)
  const states: Record<string, number> = {}
  for (const { gateway, state } of proofs) if (ids.includes(gateway)) states[state] = (states[state] ?? 0) + 1
  const damaged = ids.filter((id) => reportOf(dir, id) !== undefined).length
  const missing = offered.length - landed.size
  const [gateways, acknowledged] = [ids.length, offered.length]
  return { gateways, damaged, acknowledged, landed: landed.size, left: left.length, declared: missing, states }
}

function gatewayOf(identity: string, ids: readonly string[]): string {
  return ids.find((id) => identity.startsWith(`${id}/`)) ?? ''
}

async function proofsOf(dir: string): Promise<readonly Proof[]> {
  const ran = await tidemark(dir, ['proof', '--json'])
  const { gateways } = JSON.parse(ran.out) as CommandProof
  return gateways.map(({ gateway, state }) => ({ gateway, state, at: 2, coversAnsweredBefore: 2 }))
}

function reportOf(dir: string, gateway: string): Reported | undefined {
  const folder = join(dir, 'gateways', gateway)
  const name = readdirSync(folder).find((each) => /^journal\.damaged-\d+\.json$/.test(each))
  return name === undefined ? undefined : (JSON.parse(readFileSync(join(folder, name), 'utf8')) as Reported)
}

/** Void by position where its epoch is known; where an epoch lost its name, or the newest of the file its end, a void position stands for all that is missing. */
function declaredBy(
  dir: string,
  gateway: string,
  placed: readonly Placed[],
  landed: ReadonlySet<string | null>,
): readonly Declared[] {
  const report = reportOf(dir, gateway)
  if (report === undefined) return []
  const named = report.voided.map((each) => ({ kind: 'void' as const, gateway, at: 1, ...each }))
  const own = placed.filter((each) => each.gateway === gateway)
  const known = new Set(own.map(({ epoch }) => epoch))
  const isPartial = report.endUnknown.length > 0 || report.voided.some(({ epoch }) => !known.has(epoch))
  const voidedEpochs = new Set(report.voided.map(({ epoch }) => epoch))
  const unnamed = own.filter(
    ({ epoch, unique }) =>
      !landed.has(unique) && (report.endUnknown.includes(epoch) || (isPartial && !voidedEpochs.has(epoch))),
  )
  return [
    ...named,
    ...unnamed.map(({ epoch, seq }) => ({
      kind: 'void' as const,
      gateway,
      at: 1,
      epoch,
      ranges: [[seq, seq]] as const,
    })),
  ]
}
