/** `npm run bench -- recordings`: what a listing costs next to `find` on the same tree, and hashing next to `sha256sum`. */

import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { progress } from './figures.ts'
import { runChild } from './processes.ts'
import type { ListingRun } from './recordings-run.ts'

export interface RecordingsBench {
  readonly files: number
  readonly folders: number
  readonly hashBytes: number
  readonly rounds: number
}

interface Figures {
  readonly ms: number
  readonly peakBytes: number
}

/** Older files need not be watched: they are listed and written at once. */
const OLD_MS = 2_000
const HASH_PIECE = Buffer.alloc(1_000_000, 'tide')

export async function benchRecordings(options: RecordingsBench, signal: AbortSignal): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  try {
    const root = join(dir, 'recordings')
    makeTree(root, options)
    progress(`${options.files.toLocaleString('en')} files in ${options.folders.toLocaleString('en')} folders`)
    await wait(OLD_MS, undefined, { signal })
    await listings(root, dir, options, signal)
    await hashing(dir, options, signal)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function listings(
  root: string,
  dir: string,
  { files, rounds }: RecordingsBench,
  signal: AbortSignal,
): Promise<void> {
  const runs = { find: [] as Figures[], first: [] as Figures[], again: [] as Figures[], idle: [] as Figures[] }
  const find = (): Promise<Figures> => measured('find', [root, '-printf', '%p\\t%s\\t%T@\\t%C@\\n'], signal)
  await find()
  for (let round = 1; round <= rounds; round++) {
    const data = join(dir, `index-${round}.mdb`)
    runs.find.push(await find())
    runs.first.push(await listing({ root, data, work: 'list' }, files, signal))
    runs.again.push(await listing({ root, data, work: 'list' }, files, signal))
    runs.idle.push(await listing({ root, data, work: 'idle' }, files, signal))
    progress(`round ${round} of ${rounds}`)
  }
  const [found, first, again, idle] = [runs.find, runs.first, runs.again, runs.idle].map(medians) as [
    Figures,
    Figures,
    Figures,
    Figures,
  ]
  say('find -printf', rate(files, found), memory(found))
  say('first listing, into the embedded index', `${rate(files, first)}, ${ratio(found, first)} of find`, memory(first))
  say('listing again, nothing changed', `${rate(files, again)}, ${ratio(found, again)} of find`, memory(again))
  say('the same process, before it lists', '', memory(idle))
}

async function listing(run: ListingRun, files: number, signal: AbortSignal): Promise<Figures> {
  const said = await runChild('test/bench/recordings-run.js', [JSON.stringify(run)], { signal })
  const { found, ...figures } = JSON.parse(said) as Figures & { readonly found: number }
  if (run.work === 'list' && found * 2 !== files) throw new Error(`expected ${files / 2} recordings, found ${found}`)
  return figures
}

async function hashing(dir: string, { hashBytes, rounds }: RecordingsBench, signal: AbortSignal): Promise<void> {
  const root = join(dir, 'large')
  mkdirSync(root)
  const file = openSync(join(root, 'large.dat'), 'w')
  for (let bytes = 0; bytes < hashBytes; bytes += HASH_PIECE.length)
    writeSync(file, HASH_PIECE, 0, Math.min(HASH_PIECE.length, hashBytes - bytes))
  closeSync(file)
  const runs = { sum: [] as Figures[], own: [] as Figures[] }
  await measured('sha256sum', [join(root, 'large.dat')], signal)
  for (let round = 1; round <= rounds; round++) {
    runs.sum.push(await measured('sha256sum', [join(root, 'large.dat')], signal))
    runs.own.push(await listing({ root, data: '', work: 'hash' }, 0, signal))
  }
  const [sum, own] = [medians(runs.sum), medians(runs.own)]
  const mbPerS = ({ ms }: Figures): string => `${Math.round(hashBytes / 1e3 / ms).toLocaleString('en')} MB/s`
  say('sha256sum', mbPerS(sum), memory(sum))
  say('hashing', `${mbPerS(own)}, ${ratio(sum, own)} of sha256sum`, memory(own))
}

/** Half of them data files, half sidecars. */
function makeTree(root: string, { files, folders }: RecordingsBench): void {
  for (let f = 0; f < folders; f++) mkdirSync(join(root, `day-${f}`), { recursive: true })
  for (let i = 0; i * 2 < files; i++) {
    const path = join(root, `day-${i % folders}`, `recording_${String(i).padStart(7, '0')}`)
    writeFileSync(`${path}.dat`, `data ${i}`)
    writeFileSync(`${path}.json`, JSON.stringify({ recording: i, site: `quay ${i % 7}`, channels: 4, rate: 2000.5 }))
  }
}

/** A program of the system; its peak of memory is looked up every few milliseconds. */
async function measured(program: string, args: readonly string[], signal: AbortSignal): Promise<Figures> {
  const fromMs = performance.now()
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, LC_ALL: 'C' },
    signal,
  })
  let peakBytes = 0
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakOf(child.pid))
  }, 2)
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))))
    })
    return { ms: performance.now() - fromMs, peakBytes }
  } finally {
    clearInterval(timer)
  }
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

function medians(all: readonly Figures[]): Figures {
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
  return { ms: median(all.map(({ ms }) => ms)), peakBytes: median(all.map(({ peakBytes }) => peakBytes)) }
}

function rate(files: number, { ms }: Figures): string {
  return `${Math.round((files / ms) * 1000).toLocaleString('en')} files/s`
}

function ratio(than: Figures, { ms }: Figures): string {
  return (than.ms / ms).toFixed(2)
}

function memory({ peakBytes }: Figures): string {
  return `peak ${(peakBytes / 1e6).toFixed(0)} MB`
}

function say(what: string, figure: string, more: string): void {
  process.stdout.write(`${what.padEnd(42)} ${figure.padEnd(40)} ${more}\n`)
}
