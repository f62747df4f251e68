/** Engines left running in the background: one file each beside the installed engines says where, so that they are found, used and ended later. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { enginesDir } from './install.ts'
import type { EngineName } from './recipe.ts'

export interface BackgroundEngine {
  readonly pid: number
  /** Its data and log. */
  readonly dir: string
  readonly logFile: string
  /** What to set, without `TIDEMARK_`, to use it. */
  readonly settings: Readonly<Record<string, string>>
}

const STOP_WITHIN_MS = 20_000
const ASK_EVERY_MS = 50

/** Undefined where none runs; an entry whose process is gone is removed together with its data. */
export function backgroundEngine(name: EngineName): BackgroundEngine | undefined {
  const path = entryPath(name)
  if (!existsSync(path)) return undefined
  const entry = JSON.parse(readFileSync(path, 'utf8')) as BackgroundEngine
  if (isRunning(entry)) return entry
  forget(name, entry)
  return undefined
}

/** In a file readable by its user alone: it may hold a token. */
export function rememberEngine(name: EngineName, { pid, dir, logFile, settings }: BackgroundEngine): void {
  mkdirSync(join(enginesDir(), 'running'), { recursive: true })
  writeFileSync(entryPath(name), JSON.stringify({ pid, dir, logFile, settings }), { mode: 0o600 })
}

/** Ends it, by force after 20 s, and removes its data. */
export async function stopBackgroundEngine(name: EngineName, entry: BackgroundEngine): Promise<void> {
  process.kill(entry.pid, 'SIGCONT')
  process.kill(entry.pid, 'SIGTERM')
  for (let waitedMs = 0; isRunning(entry) && waitedMs < STOP_WITHIN_MS; waitedMs += ASK_EVERY_MS) {
    await wait(ASK_EVERY_MS)
  }
  if (isRunning(entry)) process.kill(entry.pid, 'SIGKILL')
  forget(name, entry)
}

function forget(name: EngineName, { dir }: BackgroundEngine): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
  rmSync(entryPath(name), { force: true })
}

function entryPath(name: EngineName): string {
  return join(enginesDir(), 'running', `${name}.json`)
}

/** Known by its data directory, which its command line names: a process id alone may be another's by now. */
function isRunning({ pid, dir }: BackgroundEngine): boolean {
  return commandLineOf(pid).includes(dir)
}

function commandLineOf(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).toString()
  } catch {
    return ''
  }
}
