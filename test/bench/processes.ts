/** Child processes of the benches: started from the built files, watched, and ended. */

import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const DIST = fileURLToPath(new URL('../../', import.meta.url))

export interface Child {
  readonly port: number
  /** Peak of `RssAnon` so far, bytes: private memory, without mapped files. */
  privatePeak(): number
  /** User and system CPU seconds so far. */
  cpuSeconds(): number
  end(signal?: NodeJS.Signals): Promise<void>
}

/** Resolves when the child has printed a port. */
export function startChild(script: string, args: readonly string[], env: Record<string, string> = {}): Promise<Child> {
  const child = spawn(process.execPath, [join(DIST, script), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let peak = 0
  const sample = (): void => {
    peak = Math.max(peak, anonBytes(child))
  }
  const timer = setInterval(sample, 100)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const port = /(?:port |127\.0\.0\.1:)(\d+)/.exec(said)?.[1]
      if (port === undefined) return
      resolve({
        port: Number(port),
        privatePeak: () => {
          sample()
          return peak
        },
        cpuSeconds: () => cpuOf(child),
        end: async (signal = 'SIGTERM') => {
          clearInterval(timer)
          child.kill(signal)
          await ended
        },
      })
    })
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code} before it printed a port: ${said}`)))
  })
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Of Node itself. */
  readonly nodeArgs?: readonly string[]
  /** Ends it; the run then rejects. */
  readonly signal?: AbortSignal
}

/** Runs to its end and gives what it printed. */
export function runChild(
  script: string,
  args: readonly string[],
  { env = {}, nodeArgs = [], signal }: ChildOptions = {},
): Promise<string> {
  const child = spawn(process.execPath, [...nodeArgs, join(DIST, script), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(signal === undefined ? {} : { signal }),
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve(said) : reject(new Error(`${script} ended with ${code}`))))
  })
}

function anonBytes(child: ChildProcess): number {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

function cpuOf(child: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return 0
  }
}

/** Bytes the files below a folder take on disk. */
export function diskBytes(dir: string): number {
  let sum = 0
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name)).blocks * 512
  }
  return sum
}
