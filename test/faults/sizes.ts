/** What a process and its files take, over time, and the bounds that hold for it. */

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseSize } from '../../services/core/quantities.ts'
import type { Up } from './up.ts'

export interface Sample {
  readonly atMs: number
  readonly anon: number
  readonly journals: number
  readonly log: number
  readonly stores: number
  readonly ledger: number
}

const MB = 1_000_000
const WARM_UP_MS = 60_000
/** Memory in the last third of a run against the first third: this factor and so much more is no growth. */
const GROWTH = 1.5
const GROWTH_BYTES = 64 * MB
const ANON_MAX = 700 * MB
const STORE_BYTES_A_READING = 500
const LEDGER_MAX = 64 * MB

export function sampleOf(atMs: number, dataDir: string, up: Up): Sample {
  return {
    atMs,
    anon: up.anonBytes(),
    journals: bytesBelow(join(dataDir, 'gateways')),
    log: bytesOf(join(dataDir, 'log.mdb')),
    stores: bytesBelow(join(dataDir, 'stores')),
    ledger: bytesOf(join(dataDir, 'ledger.mdb')),
  }
}

export function sampleText({ anon, journals, log, stores, ledger }: Sample): string {
  const text = bytesText
  return `RssAnon ${text(anon)}, journals ${text(journals)}, log ${text(log)}, stores ${text(stores)}, ledger ${text(ledger)}`
}

export function bytesText(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`
}

/** Sentences about what grew past its bound. `settings` are the limits the process was given. */
export function boundsBroken(
  samples: readonly Sample[],
  settings: Readonly<{ TIDEMARK_JOURNAL_MAX_BYTES: string; TIDEMARK_LOG_KEEP_BYTES: string }>,
  readings: number,
): readonly string[] {
  const warm = samples.filter(({ atMs }) => atMs >= WARM_UP_MS)
  const all = warm.length >= 3 ? warm : samples
  const third = Math.floor(all.length / 3)
  const peak = (of: keyof Sample, some = all): number => Math.max(0, ...some.map((each) => each[of]))
  const early = third === 0 ? Number.POSITIVE_INFINITY : peak('anon', all.slice(0, third))
  const late = peak('anon', all.slice(-third))
  const bounds = [
    ['RssAnon', peak('anon'), ANON_MAX],
    ['RssAnon in the last third of the run', late, early * GROWTH + GROWTH_BYTES],
    ['the journals', peak('journals'), 2 * 2 * limitOf(settings.TIDEMARK_JOURNAL_MAX_BYTES)],
    ['the log', peak('log'), 2 * limitOf(settings.TIDEMARK_LOG_KEEP_BYTES) + 32 * MB],
    ['the stores', peak('stores'), readings * STORE_BYTES_A_READING + 32 * MB],
    ['the ledger', peak('ledger'), LEDGER_MAX],
  ] as const
  return bounds
    .filter(([, bytes, max]) => bytes > max)
    .map(([what, bytes, max]) => `${what} came to ${bytesText(bytes)}, at most ${bytesText(max)} are allowed`)
}

function limitOf(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined) throw new Error(`expected a size, came ${text}`)
  return bytes
}

/** On disk. */
function bytesOf(path: string): number {
  try {
    return statSync(path).blocks * 512
  } catch {
    return 0
  }
}

function bytesBelow(folder: string): number {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    return entries.reduce((sum, each) => sum + (each.isFile() ? bytesOf(join(each.parentPath, each.name)) : 0), 0)
  } catch {
    return 0
  }
}
