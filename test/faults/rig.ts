/** One installation under fire: its data directory, the process of the moment, the clients, and a tally of what was done to it. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Offered } from '../checker/history.ts'
import type { Environment } from '../support/environment.ts'
import { type Chance, chanceOf } from './chance.ts'
import { type Judgement, judge } from './judge.ts'
import { Load, type LoadCounts, type LoadRules } from './load.ts'
import { countLog, type LogCounts } from './log-counts.ts'
import { becomes, type Ended, tidemark, Up, type Wrap } from './up.ts'

export interface RigOptions {
  readonly seed: string
  readonly env?: Environment
  readonly load?: Partial<LoadRules>
  /** In a folder that somebody else made, for example on a small disk. */
  readonly dataDir?: string
}

export interface Outcome {
  readonly counts: LoadCounts
  readonly log: LogCounts
  readonly checked: Judgement['report']['counts']
  readonly faults: Readonly<Record<string, number>>
  readonly failures: readonly string[]
  readonly folder: string
}

const ENV: Environment = {
  TIDEMARK_HEARTBEAT: '300ms',
  TIDEMARK_REQUEST_DEADLINE: '1s',
  TIDEMARK_SLICE_READINGS: '2000',
  TIDEMARK_RECOVERY_BYTES_PER_S: '1MB',
  TIDEMARK_JOURNAL_KEEP: '2s',
}
const LOAD: LoadRules = {
  gateways: ['local', 'second'],
  sensors: 6,
  readingsMax: 60,
  untimed: true,
  client: 'a',
  senders: 3,
  restMs: 25,
  timeoutMs: 2000,
}

export class Rig implements AsyncDisposable {
  readonly chance: Chance
  readonly folder: string
  readonly dataDir: string
  readonly load: Load
  readonly failures: string[] = []
  readonly faults: Record<string, number> = {}
  readonly #env: Environment
  readonly #loads: Load[] = []
  #checked: Judgement['report']['counts'] | undefined
  #up: Up | undefined
  #url: string | undefined

  constructor({ seed, env = {}, load = {}, dataDir }: RigOptions) {
    this.chance = chanceOf(seed)
    this.folder = mkdtempSync(join(tmpdir(), 'tidemark-faults-'))
    this.dataDir = dataDir ?? join(this.folder, 'data')
    this.#env = { ...ENV, ...env }
    this.load = this.addLoad(load)
  }

  /** Another client beside the first. */
  addLoad(rules: Partial<LoadRules>): Load {
    const all = { ...LOAD, ...rules }
    const load = new Load(all, this.chance.split(`load ${all.client}`), () => this.#url)
    this.#loads.push(load)
    return load
  }

  /** The process of the moment. */
  get up(): Up {
    if (this.#up === undefined) throw new Error('nothing was started yet')
    return this.#up
  }

  get lives(): boolean {
    return this.#up?.lives === true
  }

  get offered(): readonly Offered[] {
    return this.#loads.length === 1 ? this.load.offered : this.#loads.flatMap((each) => each.offered)
  }

  fault(name: string): void {
    this.faults[name] = (this.faults[name] ?? 0) + 1
  }

  fail(sentence: string): void {
    this.failures.push(sentence)
  }

  /** Starts a process without waiting for it. */
  launch(wrap?: Wrap): Up {
    const up = new Up(this.dataDir, this.#env, wrap)
    this.#up = up
    this.#url = undefined
    void up.ready.then(
      (url) => {
        if (this.#up === up) this.#url = url
      },
      () => undefined,
    )
    void up.ended.then(() => {
      if (this.#up === up) this.#url = undefined
    })
    return up
  }

  /** Starts a process that has to come up. */
  async start(wrap?: Wrap): Promise<void> {
    const up = this.launch(wrap)
    if ((await up.ready) !== undefined) return
    const { code, signal } = await up.ended
    throw new Error(`up did not start: it ended with ${signal ?? code}: ${up.said.slice(-2000)}`)
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    return this.up.end(signal)
  }

  command(...args: readonly string[]): ReturnType<typeof tidemark> {
    return tidemark(this.dataDir, args)
  }

  /** Whatever was cut goes together again, a process runs, and no client waits for an answer. */
  async heal(wrap?: Wrap): Promise<void> {
    await Promise.all(this.#loads.map((each) => each.stop()))
    if (this.#up === undefined || !this.#up.lives) await this.start(wrap)
    await this.restoreLinks()
    for (const each of this.#loads) {
      const left = await each.flush(30_000)
      if (left > 0) this.fail(`${left} requests got no answer within 30 s of healing`)
    }
  }

  async restoreLinks(): Promise<void> {
    for (const gateway of LOAD.gateways) await this.command('link', 'restore', gateway)
  }

  /** Heals, and lets the checker look at everything so far. */
  async judge(wrap?: Wrap): Promise<void> {
    await this.heal(wrap)
    const { report, failures } = await judge(this.dataDir, this.offered)
    this.#checked = report.counts
    this.failures.push(...failures, ...this.#loads.flatMap((each) => each.faults.splice(0)))
  }

  /** The last judgement, and everything ends. */
  async finish(): Promise<Outcome> {
    if (this.#checked === undefined) this.fail('nothing was judged')
    if (this.#up?.lives === true) await this.#up.end('SIGKILL')
    const counts: LoadCounts = sumOf(this.#loads.map((each) => each.counts))
    const checked = this.#checked ?? emptyChecked()
    if (checked.accepted === 0) this.fail('not a single reading was accepted: nothing was tried')
    const { failures, faults, folder } = this
    return { counts, log: await countLog(this.dataDir), checked, faults, failures, folder }
  }

  /** Ends what runs; the folder stays while something failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#loads.map((each) => each.stop()))
    if (this.#up?.lives === true) await this.#up.end('SIGKILL')
    if (this.failures.length === 0 && this.#checked !== undefined) rmSync(this.folder, { recursive: true, force: true })
  }

  /** Until so many more readings were taken; the failure is noted when that does not come. */
  async progress(readings: number, ms = 20_000): Promise<void> {
    const from = this.load.counts.ok
    const came = await becomes(ms, () => this.load.counts.ok >= from + readings)
    if (!came) this.fail(`fewer than ${readings} readings were taken within ${ms} ms: ${this.up.said.slice(-1000)}`)
  }
}

function sumOf(all: readonly LoadCounts[]): LoadCounts {
  const sum: LoadCounts = { requests: 0, offered: 0, ok: 0, refused: 0, unknown: 0, duplicates: 0, noRoom: 0 }
  for (const each of all) for (const key of Object.keys(sum) as (keyof LoadCounts)[]) sum[key] += each[key]
  return sum
}

function emptyChecked(): Judgement['report']['counts'] {
  return {
    readings: 0,
    accepted: 0,
    unknown: 0,
    held: 0,
    excused: 0,
    proofs: 0,
    deletions: 0,
    requested: 0,
    needless: 0,
  }
}
