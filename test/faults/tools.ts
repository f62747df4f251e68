/** The tools that bring faults in from outside the process: strace, prlimit, a small tmpfs, libfaketime. Each says why it can't be had. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Wrap } from './up.ts'

/** Either the tool, or why a scenario that needs it is skipped. */
export type Had<T> = { readonly ok: true; readonly tool: T } | { readonly ok: false; readonly why: string }

export interface Injection {
  /** `fdatasync`, or several with commas between. */
  readonly calls: string
  readonly error: 'EIO' | 'ENOSPC'
  /** The n-th call of a thread fails, the later ones succeed. */
  readonly nth: number
  /** Only calls on this file. */
  readonly path?: string
}

export interface Strace {
  wrap(injection: Injection, log: string): Wrap
  /** Wall times in ms of the calls that were made to fail, and which. */
  injected(log: string): readonly { readonly atMs: number; readonly call: string }[]
}

export function strace(): Had<Strace> {
  try {
    execFileSync('strace', ['-qq', '-f', '-D', '-e', 'trace=none', 'true'], { stdio: 'ignore' })
  } catch (error) {
    return { ok: false, why: `strace can't be used here (${firstLine(error)}): apt-get install strace` }
  }
  return { ok: true, tool: { wrap: straceWrap, injected: injectedIn } }
}

function straceWrap({ calls, error, nth, path }: Injection, log: string): Wrap {
  const inject = calls.split(',').flatMap((call) => ['-e', `inject=${call}:error=${error}:when=${nth}`])
  const only = path === undefined ? [] : ['-P', path]
  return {
    before: ['strace', '-D', '-f', '-qq', '-ttt', '-o', log, ...only, '-e', `trace=${calls}`, ...inject],
    // strace counts calls by thread: one thread makes them all.
    env: { UV_THREADPOOL_SIZE: '1' },
  }
}

function injectedIn(log: string): readonly { readonly atMs: number; readonly call: string }[] {
  if (!existsSync(log)) return []
  return readFileSync(log, 'latin1')
    .split('\n')
    .filter((line) => line.includes('(INJECTED)'))
    .map((line) => {
      const [, seconds = '0', call = '?'] = /^\d+\s+([\d.]+) (\w+|<\.\.\. \w+)/.exec(line) ?? []
      return { atMs: Number(seconds) * 1000, call: call.replace('<... ', '') }
    })
}

/** A process whose files can't grow past `bytes`. */
export function fileLimit(bytes: number): Had<Wrap> {
  try {
    execFileSync('prlimit', ['--fsize=1000000', 'true'], { stdio: 'ignore' })
  } catch (error) {
    return { ok: false, why: `prlimit can't be used here (${firstLine(error)}): apt-get install util-linux` }
  }
  return { ok: true, tool: { before: ['prlimit', `--fsize=${bytes}`], env: {} } }
}

export interface SmallDisk extends Disposable {
  readonly path: string
}

/** A file system of so many bytes, mounted at a folder of its own. */
export function smallDisk(path: string, bytes: number): Had<SmallDisk> {
  mkdirSync(path, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tidemark-faults', path], { stdio: 'pipe' })
  } catch (error) {
    return { ok: false, why: `a tmpfs can't be mounted here: ${firstLine(error)}` }
  }
  const release = (): void => {
    try {
      execFileSync('umount', [path], { stdio: 'ignore' })
    } catch {
      execFileSync('umount', ['-l', path], { stdio: 'ignore' })
    }
  }
  return { ok: true, tool: { path, [Symbol.dispose]: release } }
}

export interface FakeClock {
  readonly wrap: Wrap
  /** `+3d`, `-3d`, `@1970-01-01 00:00:10`; running processes follow. */
  set(text: string): void
}

/** Its path: as LIBFAKETIME says, else where Debian puts it. */
export function fakeClockLibrary(): Had<string> {
  const path = process.env.LIBFAKETIME ?? libraries().find((each) => existsSync(each))
  if (path === undefined) return { ok: false, why: 'libfaketime is not installed: apt-get install libfaketime' }
  return { ok: true, tool: path }
}

/** The wall clock of a process, moved at will; what it measures time spans with stays true. */
export function fakeClock(library: string, file: string): FakeClock {
  const set = (text: string): void => writeFileSync(file, `${text}\n`)
  set('+0')
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_NO_CACHE: '1',
    NO_FAKE_STAT: '1',
  }
  return { wrap: { before: [], env }, set }
}

/** Debian's folders, one an architecture. */
function libraries(): readonly string[] {
  return readdirSync('/usr/lib').map((folder) => join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1'))
}

function firstLine(error: unknown): string {
  const { stderr } = (error ?? {}) as { stderr?: Buffer }
  const text = stderr !== undefined && stderr.length > 0 ? stderr.toString() : String(error)
  return text.trim().split('\n').at(-1) ?? text
}
