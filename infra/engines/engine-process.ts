/** A real engine as a process that this one can kill, stop, pause and start again on the same data and port. It ends with this process, unless it is left behind. */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { codeOf, TidemarkError } from '../../services/core/errors.ts'
import { assertInstalled } from './install.ts'
import type { EngineRecipe } from './recipe.ts'

export interface StartOptions {
  readonly signal?: AbortSignal
  /** Goes on when this process ends, and is not ended by disposal. */
  readonly leaveRunning?: boolean
}

/** What a launcher knows about its engine. */
export interface EngineSpec {
  readonly recipe: EngineRecipe
  /** Once, before the first start. */
  prepare?(dir: string, signal: AbortSignal): Promise<void>
  /** The data directory is named in it: by that the process is known again. */
  command(dir: string): { readonly file: string; readonly args: readonly string[] }
  /** Asked again and again after each start. `said` is what the engine has logged since. */
  ready(said: string, signal: AbortSignal): Promise<boolean>
  /** Once, when it is ready for the first time. */
  firstReady?(signal: AbortSignal): Promise<void>
  /** What to set, without `TIDEMARK_`, to use it. */
  readonly settings: Readonly<Record<string, string>>
}

const READY_WITHIN_MS = 120_000
const STOP_WITHIN_MS = 20_000
const ASK_EVERY_MS = 50
const LAST_WORDS = 20

/**
 * Runs the engine and waits for it; kills it when standard input ends, which it does when the process at its other end does, however that ended.
 * The engine's process id goes to descriptor 3.
 */
const GUARD = `exec 4<&0
"$@" </dev/null 3>&- 4<&- &
engine=$!
echo "$engine" >&3
exec 3>&-
(read -r _ <&4; kill -KILL "$engine") &
guard=$!
wait "$engine"
kill "$guard"`

export class EngineProcess implements AsyncDisposable {
  readonly dir: string
  readonly settings: Readonly<Record<string, string>>
  readonly #spec: EngineSpec
  readonly #leave: boolean
  #running: { readonly pid: number; readonly ended: Promise<void>; isEnded: boolean } | undefined
  #wasReady = false

  constructor(spec: EngineSpec, dir: string, leave: boolean) {
    this.#spec = spec
    this.#leave = leave
    this.dir = dir
    this.settings = spec.settings
  }

  get pid(): number | undefined {
    return this.#running?.isEnded === false ? this.#running.pid : undefined
  }

  get logFile(): string {
    return join(this.dir, 'engine.log')
  }

  /** Resolves when it is ready. Does nothing while it runs. Throws `engine-failed` with its last words. */
  async start(signal: AbortSignal = AbortSignal.timeout(READY_WITHIN_MS)): Promise<void> {
    if (this.pid !== undefined) return
    const from = this.#logLength()
    await this.#spawn()
    await this.#untilReady(from, signal)
    if (!this.#wasReady) await this.#spec.firstReady?.(signal)
    this.#wasReady = true
  }

  /** As a crash of the process would end it: nothing is flushed. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.#running?.ended
  }

  /** Asks it to end, and kills it when it has not within 20 s. */
  async stop(): Promise<void> {
    const { pid } = this
    if (pid === undefined) return
    this.resume()
    this.#signal('SIGTERM')
    const given = new AbortController()
    const limit = wait(STOP_WITHIN_MS, undefined, { signal: given.signal }).then(
      () => this.#signal('SIGKILL'),
      () => undefined,
    )
    await this.#running?.ended
    given.abort()
    await limit
  }

  /** It stands still, and its connections stay open, until `resume`. */
  pause(): void {
    this.#signal('SIGSTOP')
  }

  resume(): void {
    this.#signal('SIGCONT')
  }

  /** Ends it and removes its data; does neither where it is left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#leave && this.#wasReady) return
    await this.kill()
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 })
  }

  async #spawn(): Promise<void> {
    const { file, args } = this.#spec.command(this.dir)
    const log = openSync(this.logFile, 'a')
    try {
      const child = this.#leave
        ? spawn(file, args, { cwd: this.dir, detached: true, stdio: ['ignore', log, log] })
        : spawn('/bin/sh', ['-c', GUARD, 'guard', file, ...args], {
            cwd: this.dir,
            detached: true,
            stdio: ['pipe', log, log, 'pipe'],
          })
      const running = { pid: await pidOf(child), ended: endOf(child), isEnded: false }
      void running.ended.then(() => {
        running.isEnded = true
      })
      if (this.#leave) child.unref()
      this.#running = running
    } finally {
      closeSync(log)
    }
  }

  async #untilReady(from: number, signal: AbortSignal): Promise<void> {
    while (!(await this.#spec.ready(this.#said(from), signal))) {
      if (this.pid === undefined || signal.aborted) {
        const { title, version } = this.#spec.recipe
        const what = signal.aborted ? 'was not ready in time' : 'ended'
        const words = this.#said(from).trimEnd().split('\n').slice(-LAST_WORDS).join('\n')
        await this.kill()
        if (codeOf(signal.reason) === 'interrupted') throw signal.reason
        throw new TidemarkError('engine-failed', `${title} ${version} ${what}; its last words were:\n${words}`)
      }
      await wait(ASK_EVERY_MS)
    }
  }

  #logLength(): number {
    return statSync(this.logFile, { throwIfNoEntry: false })?.size ?? 0
  }

  #said(from: number): string {
    return readFileSync(this.logFile).subarray(from).toString()
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) process.kill(this.pid, signal)
  }
}

/** In a new temporary folder; resolves when the engine is ready. */
export async function startEngine(spec: EngineSpec, options: StartOptions): Promise<EngineProcess> {
  const { recipe } = spec
  assertInstalled(recipe)
  const dir = await mkdtemp(join(tmpdir(), `tidemark-${recipe.name}-`))
  const engine = new EngineProcess(spec, dir, options.leaveRunning === true)
  try {
    const limit = AbortSignal.timeout(READY_WITHIN_MS)
    const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal])
    await spec.prepare?.(dir, signal)
    await engine.start(signal)
    return engine
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}

/** The engine's own: the guard sends it ahead of everything else. */
function pidOf(child: ChildProcess): Promise<number> {
  const fromGuard = child.stdio[3] as Readable | null | undefined
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new TidemarkError('engine-failed', cause.message, {}, cause)))
    child.once('exit', (code) => reject(new TidemarkError('engine-failed', `it ended at once with ${code}`)))
    if (fromGuard) fromGuard.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
    else child.once('spawn', () => resolve(child.pid ?? 0))
  })
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })
}
