/** Real `tidemark` processes: started under whatever tool brings the fault in, watched, signalled, and never left behind. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../support/environment.ts'

/** Under what a process runs: a command that ends in executing what follows it, and more environment. */
export interface Wrap {
  readonly before: readonly string[]
  readonly env: Environment
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const PLAIN: Wrap = { before: [], env: {} }
const START_MS = 60_000
const children = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

/** The folder with `bin/` and `dist/`, from the sources as from `dist/`. */
const ROOT = rootFrom(dirname(fileURLToPath(import.meta.url)))

function rootFrom(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootFrom(dirname(folder))
}

/** One life of `tidemark up`. */
export class Up {
  readonly #child: ChildProcess
  #said = ''
  #end: Ended | undefined
  readonly ended: Promise<Ended>
  /** The address it said, or undefined when it ended before it said one. */
  readonly ready: Promise<string | undefined>

  constructor(dataDir: string, env: Environment, { before, env: more }: Wrap = PLAIN) {
    this.#child = launch(['up', '--no-demo', '--port', '0', '--data', dataDir], { ...env, ...more }, before)
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#end = { code, signal }
        resolve(this.#end)
      })
    })
    const hear = (chunk: Buffer): void => {
      this.#said = `${this.#said}${chunk.toString()}`.slice(-100_000)
    }
    this.#child.stderr?.on('data', hear)
    const address = new Promise<string | undefined>((resolve) => {
      this.#child.stdout?.on('data', (chunk: Buffer) => {
        hear(chunk)
        const url = /http:\/\/127\.0\.0\.1:\d+/.exec(this.#said)?.[0]
        if (url !== undefined) resolve(url)
      })
      void this.ended.then(() => resolve(undefined))
    })
    this.ready = within(START_MS, address, `up did not say that it runs within ${START_MS} ms`)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** What it printed last. */
  get said(): string {
    return this.#said
  }

  get lives(): boolean {
    return this.#end === undefined
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.signal(signal)
    return within(30_000, this.ended, `up did not end within 30 s of ${signal}`)
  }

  /** Private memory now, without mapped files. */
  anonBytes(): number {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
      return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
    } catch {
      return 0
    }
  }
}

/** Runs a command to its end against the data directory. */
export function tidemark(dataDir: string, args: readonly string[], env: Environment = {}): Promise<Ran> {
  const child = launch([...args, '--data', dataDir], env, [])
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
  })
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

function launch(args: readonly string[], env: Environment, before: readonly string[]): ChildProcess {
  if (!existsSync(join(ROOT, 'dist/services/main.js'))) throw new Error("dist is missing: run 'npm run build' first")
  const [command = process.execPath, ...rest] = [...before, process.execPath, join(ROOT, 'bin/tidemark.js'), ...args]
  const child = spawn(command, rest, {
    env: { ...process.env, TIDEMARK_LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Rejects when it takes longer. */
export async function within<T>(ms: number, promise: Promise<T>, sentence: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(sentence)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Looks again until it holds; false when the time is over. */
export async function becomes(ms: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const endMs = performance.now() + ms; performance.now() < endMs; await pause(50)) if (await holds()) return true
  return false
}
