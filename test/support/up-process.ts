/** A real `tidemark up` in a process of its own, for tests that kill it, cut its links and read what is left. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Proof } from '../../services/commands/proof.ts'
import type { Environment } from './environment.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BIN = `${ROOT}bin/tidemark.js`

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface UpProcess {
  readonly url: string
  readonly port: number
  /** From its start until it said that it runs. */
  readonly startedMs: number
  output(): string
  /** Resolves with the milliseconds it took to end. */
  end(signal: NodeJS.Signals): Promise<number>
}

/** Runs a command to its end against the data directory. */
export function tidemark(dataDir: string, args: readonly string[], env: Environment = {}): Promise<Ran> {
  const child = start([...args, '--data', dataDir], env)
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString()
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

export async function startUp(
  dataDir: string,
  args: readonly string[] = ['--no-demo'],
  env: Environment = {},
): Promise<UpProcess> {
  const beginMs = performance.now()
  const child = start(['up', '--port', '0', '--data', dataDir, ...args], { TIDEMARK_HEARTBEAT: '500ms', ...env })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]
      if (found !== undefined) resolve(Number(found))
    })
    child.once('exit', (code) => reject(new Error(`up ended with ${code}: ${said}`)))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    startedMs: performance.now() - beginMs,
    output: () => said,
    end: async (signal) => {
      const fromMs = performance.now()
      child.kill(signal)
      await ended
      return performance.now() - fromMs
    },
  }
}

function start(args: readonly string[], env: Environment): ChildProcess {
  if (!existsSync(`${ROOT}dist/services/main.js`)) throw new Error("dist is missing: run 'npm run build' first")
  return spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, TIDEMARK_LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export async function proofNow(dataDir: string, ...args: readonly string[]): Promise<Proof & { code: number | null }> {
  const ran = await tidemark(dataDir, ['proof', '--json', ...args])
  if (ran.out === '') throw new Error(ran.err)
  return { ...(JSON.parse(ran.out) as Proof), code: ran.code }
}

export interface DoorReading {
  readonly type: string
  readonly sensor: string
  readonly time?: string
  readonly values: Readonly<Record<string, number | string | boolean>>
}

export type LabelledReading = DoorReading & { readonly labels?: Readonly<Record<string, string>> }

export async function post(
  url: string,
  readings: readonly DoorReading[],
): Promise<{ accepted: number; duplicates: number }> {
  const answer = await fetch(`${url}/readings`, { method: 'POST', body: JSON.stringify(readings) })
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
  return (await answer.json()) as { accepted: number; duplicates: number }
}

/** `count` readings, one a second from `fromMs`, of one sensor. */
export function series(count: number, fromMs: number, sensor = 's1'): readonly DoorReading[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'temperature',
    sensor,
    time: new Date(fromMs + i * 1000).toISOString(),
    values: { temperature: i + 0.25 },
  }))
}

/** What the store holds, one line a reading, sorted: identity and values. */
export async function exported(dataDir: string, store = 'embedded', env: Environment = {}): Promise<readonly string[]> {
  return (await exportedReadings(dataDir, store, env)).map(lineOf).toSorted()
}

/** What the store holds, times to the millisecond. */
export async function exportedReadings(
  dataDir: string,
  store: string,
  env: Environment,
): Promise<readonly LabelledReading[]> {
  const ran = await tidemark(dataDir, ['export', '--store', store, '--format', 'ndjson'], env)
  if (ran.code !== 0) throw new Error(ran.err)
  const lines = ran.out.split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const { type, sensor, time = '', labels = {}, values } = JSON.parse(line) as LabelledReading
    return { type, sensor, time: new Date(time).toISOString(), values, labels }
  })
}

export function lineOf({ type, sensor, time, values }: DoorReading): string {
  return `${type}/${sensor}/${time} ${JSON.stringify(values)}`
}
