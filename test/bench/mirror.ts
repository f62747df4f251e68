/** `npm run bench -- mirror`: a full copy next to one bare query piped into bare writes on the same servers, and a quiet pass over an equal pair. */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type InfluxdbEngine, startInfluxdb } from '../../infra/influxdb/launcher.ts'
import { progress } from './figures.ts'

export interface MirrorBench {
  readonly points: number
  readonly series: number
  readonly quietPoints: number
  readonly rounds: number
}

const BIN = fileURLToPath(new URL('../../../bin/tidemark.js', import.meta.url))
const LINES_AT_ONCE = 20_000
const STEP_NANOS = 10_000_000_000n
const FIRST_NANOS = 1_700_000_000_000_000_000n

export async function benchMirror(
  { points, series, quietPoints, rounds }: MirrorBench,
  signal: AbortSignal,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  await using source = await startInfluxdb({ signal })
  await using target = await startInfluxdb({ signal })
  try {
    await fill(source, points, series)
    progress(`${points.toLocaleString('en')} points in ${series} series`)
    const [bare, ours, peaks]: number[][] = [[], [], []]
    for (let round = 1; round <= rounds; round++) {
      await emptied(target)
      bare?.push(await piped(source, target))
      await emptied(target)
      const run = await mirrored(dir, source, target)
      if (run.written !== points) throw new Error(`expected ${points} points written, came ${run.written}`)
      ours?.push(run.ms)
      peaks?.push(run.peakBytes)
      progress(`round ${round} of ${rounds}`)
    }
    const [bareMs, ourMs] = [median(bare ?? []), median(ours ?? [])]
    say('one query piped into writes', `${rate(points, bareMs)} points/s`)
    say(
      'mirror --once, compared twice',
      `${rate(points, ourMs)} points/s, ${(bareMs / ourMs).toFixed(2)} of it, peak ${mb(median(peaks ?? []))}`,
    )
    for (const server of [source, target]) {
      await emptied(server)
      await fill(server, quietPoints, series)
    }
    const quiet = await mirrored(dir, source, target)
    if (quiet.written !== 0) throw new Error(`expected nothing to be written, came ${quiet.written}`)
    const figures = `${(quiet.ms / 1000).toFixed(1)} s, ${(quiet.bytes / 1000).toFixed(0)} kB both ways at both ends, peak ${mb(quiet.peakBytes)}`
    say(`nothing to do on ${quietPoints.toLocaleString('en')} points`, figures)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Two fields a line. */
async function fill(server: InfluxdbEngine, points: number, series: number): Promise<void> {
  let lines: string[] = []
  for (let i = 0; i * 2 < points; i++) {
    const at = i % series
    const time = FIRST_NANOS + BigInt(Math.floor(i / series)) * STEP_NANOS
    lines.push(`bench,site=s${at % 10},sensor=n${at} temperature=${(20 + Math.sin(i)).toFixed(4)},count=${i}i ${time}`)
    if (lines.length < LINES_AT_ONCE && (i + 1) * 2 < points) continue
    await write(server, lines.join('\n'))
    lines = []
  }
}

async function write({ url, token, org, bucket }: InfluxdbEngine, body: string): Promise<void> {
  const query = new URLSearchParams({ org, bucket, precision: 'ns' })
  const headers = { authorization: `Token ${token}` }
  const answer = await fetch(`${url}/api/v2/write?${query}`, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(await answer.text())
}

async function emptied({ url, token, org, bucket }: InfluxdbEngine): Promise<void> {
  const query = new URLSearchParams({ org, bucket })
  const body = JSON.stringify({ start: '1970-01-01T00:00:00Z', stop: '2200-01-01T00:00:00Z' })
  const headers = { authorization: `Token ${token}` }
  const answer = await fetch(`${url}/api/v2/delete?${query}`, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(await answer.text())
}

/** As little as can be done: Flux, its CSV cut at line ends and commas, a line a point, one write under way while the next is made. */
async function piped(source: InfluxdbEngine, target: InfluxdbEngine): Promise<number> {
  const fromMs = performance.now()
  const query = `from(bucket: "${source.bucket}") |> range(start: 0) |> drop(columns: ["_start", "_stop"])`
  const answer = await fetch(`${source.url}/api/v2/query?org=${source.org}`, {
    method: 'POST',
    headers: { authorization: `Token ${source.token}`, 'content-type': 'application/json', accept: 'application/csv' },
    body: JSON.stringify({ query, type: 'flux', dialect: { header: true, annotations: ['datatype'] } }),
  })
  let [held, lines, isWhole] = ['', [] as string[], true]
  let writing: Promise<void> = Promise.resolve()
  const decoder = new TextDecoder()
  for await (const chunk of answer.body ?? []) {
    const all = (held + decoder.decode(chunk, { stream: true })).split('\r\n')
    held = all.pop() ?? ''
    for (const row of all) {
      if (row.startsWith('#datatype')) isWhole = row.includes(',long,string')
      if (!row.startsWith(',_result')) continue
      const [, , , time = '', value, field, measurement, sensor, site] = row.split(',')
      const nanos = BigInt(Date.parse(time)) * 1_000_000n
      lines.push(`${measurement},sensor=${sensor},site=${site} ${field}=${value}${isWhole ? 'i' : ''} ${nanos}`)
    }
    if (lines.length < LINES_AT_ONCE) continue
    await writing
    writing = write(target, lines.join('\n'))
    lines = []
  }
  await writing
  await write(target, lines.join('\n'))
  return performance.now() - fromMs
}

interface MirrorRun {
  readonly ms: number
  readonly peakBytes: number
  readonly written: number
  readonly bytes: number
}

/** From the start of the process to its end. */
async function mirrored(dir: string, source: InfluxdbEngine, target: InfluxdbEngine): Promise<MirrorRun> {
  const fromMs = performance.now()
  const child = spawn(process.execPath, [BIN, 'mirror', '--once', '--data', dir], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...{ TIDEMARK_MIRROR_SOURCE_URL: source.url, TIDEMARK_MIRROR_TARGET_URL: target.url },
      ...{ TIDEMARK_MIRROR_SOURCE_TOKEN: source.token, TIDEMARK_MIRROR_TARGET_TOKEN: target.token },
      ...{ TIDEMARK_MIRROR_SOURCE_ORG: source.org, TIDEMARK_MIRROR_TARGET_ORG: target.org },
      ...{ TIDEMARK_MIRROR_BUCKETS: source.bucket, TIDEMARK_LOG_LEVEL: 'warn' },
    },
  })
  let peakBytes = 0
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakOf(child.pid))
  }, 20)
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve)).finally(() =>
    clearInterval(timer),
  )
  const ms = performance.now() - fromMs
  if (code !== 0) throw new Error(`mirror ended with ${code}`)
  const { ends, buckets } = JSON.parse(readFileSync(join(dir, 'mirror.json'), 'utf8')) as {
    readonly ends: readonly { readonly received: number; readonly sent: number }[]
    readonly buckets: readonly { readonly written: number }[]
  }
  const bytes = ends.reduce((sum, { received, sent }) => sum + received + sent, 0)
  return { ms, peakBytes, written: buckets[0]?.written ?? 0, bytes }
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

function rate(points: number, ms: number): string {
  return Math.round((points / ms) * 1000).toLocaleString('en')
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

function say(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(42)} ${figure}\n`)
}
