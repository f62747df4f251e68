/**
 * The fleet as the ledger has it, kept from one look to the next: a look loads and judges only gateways whose ledger has another version, or whose mark
 * has turned old. Several that want to know at once share one look, and nobody looks where nobody asks.
 */

import type { GatewayId } from '../../schemas/reading.ts'
import { ledgerFromRows } from '../core/ledger.ts'
import type { Settings } from '../core/settings.ts'
import type { VerdictMoment } from '../core/verdict.ts'
import type { Clock } from '../ports/clock.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import { countsOf, fleetState, gatewayRow, type HostedFacts, unheardRow } from './gateway-rows.ts'
import { format, type Judged, judge } from './judged.ts'
import type { FleetChanges, FleetCounts, GatewayRow } from './page-api.ts'

export interface FleetSources {
  readonly ledger: LedgerStore
  readonly settings: Pick<Settings, 'stores' | 'heartbeatMs'>
  readonly clock: Clock
  /** Lets everybody else in the process have their turn. */
  breathe(): Promise<void>
  /** The gateways that run in this process. */
  hosted(): readonly HostedFacts[]
}

/** One that found something new. */
export interface Look {
  readonly version: number
  /** Its `FleetChanges` in JSON; made only where somebody asks. */
  json(): string
}

interface Shown {
  readonly row: GatewayRow
  readonly json: string
}

/** From the beginning of a look to the next. After a long one so many times as long is rested, but not for ever. */
const APART_MS = 1000
const REST = 4
const APART_MS_MAX = 10_000
const LOADS_AT_ONCE = 8
const SLICE_MS = 8

export class FleetView {
  readonly #sources: FleetSources
  readonly #judged = new Map<string, Judged>()
  readonly #listeners = new Set<(look: Look) => void>()
  readonly #shown = new Map<string, Shown>()
  /** Whose rows may differ from what is shown. */
  readonly #unshown = new Set<string>()
  #hosted: ReadonlyMap<string, HostedFacts> = new Map()
  #counts: FleetCounts = countsOf([])
  #asOf = ''
  #version = 0
  #looking: Promise<void> | undefined
  #freshUntilMs = Number.NEGATIVE_INFINITY
  #sliceEndsMs = 0
  #json: string | undefined

  constructor(sources: FleetSources) {
    this.#sources = sources
  }

  get version(): number {
    return this.#version
  }

  /** How long what was seen last counts as new. */
  get freshMs(): number {
    return Math.max(0, this.#freshUntilMs - this.#sources.clock.monotonicMs())
  }

  /** What is known of each gateway's ledger; as of the last look. */
  get judged(): ReadonlyMap<string, Judged> {
    return this.#judged
  }

  /** Resolves when what is shown is new. Throws what the ledger throws; what was seen before stays. */
  async look(): Promise<void> {
    if (this.freshMs > 0) return
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Told of every look that found something new. Returns what ends it. */
  listen(listener: (look: Look) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The whole as a `Fleet` in JSON; made once for everybody who asks between two looks. */
  fleetJson(): string {
    const inOrder = (): Shown[] => [...this.#shown].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, shown]) => shown)
    this.#json ??= this.#jsonWith(inOrder())
    return this.#json
  }

  /** No rows: only how the fleet stands. */
  standing(): FleetChanges {
    const counts = this.#counts
    return { as_of: this.#asOf, state: fleetState(counts), counts, version: this.#version, gateways: [] }
  }

  /** The rows' texts are there already, and may be ten thousand. */
  #jsonWith(rows: readonly Shown[]): string {
    const head = JSON.stringify(this.standing()).slice(0, -']}'.length)
    return `${head}${rows.map(({ json }) => json).join(',')}]}`
  }

  async #look(): Promise<void> {
    const { ledger, clock, settings, hosted } = this.#sources
    const beganMs = clock.monotonicMs()
    const versions = await ledger.versions()
    const nowMs = clock.wallMs()
    const moment = { required: settings.stores, nowMs, heartbeatMs: settings.heartbeatMs, format }
    await this.#judgeAll(this.#due(versions, nowMs), moment)
    for (const gateway of this.#judged.keys()) {
      if (versions.has(gateway as GatewayId)) continue
      this.#judged.delete(gateway)
      this.#unshown.add(gateway)
    }
    this.#host(hosted())
    const changed = await this.#show()
    this.#asOf = format(nowMs)
    this.#json = undefined
    const endedMs = clock.monotonicMs()
    const tookMs = endedMs - beganMs
    this.#freshUntilMs = endedMs + Math.max(APART_MS - tookMs, Math.min(APART_MS_MAX, REST * tookMs))
    if (changed === undefined) return
    this.#version += 1
    let json: string | undefined
    const look: Look = {
      version: this.#version,
      json: () => {
        json ??= this.#jsonWith(changed)
        return json
      },
    }
    for (const listener of this.#listeners) listener(look)
  }

  /** Journals may change at any time, so those rows are made anew at each look. */
  #host(facts: readonly HostedFacts[]): void {
    for (const gateway of this.#hosted.keys()) this.#unshown.add(gateway)
    this.#hosted = new Map(facts.map((each) => [each.gateway, each]))
    for (const gateway of this.#hosted.keys()) this.#unshown.add(gateway)
  }

  #due(versions: ReadonlyMap<GatewayId, number>, nowMs: number): GatewayId[] {
    return [...versions].flatMap(([gateway, version]) => {
      const held = this.#judged.get(gateway)
      const holds = held?.version === version && nowMs >= held.fromMs && nowMs < held.untilMs
      return holds ? [] : [gateway]
    })
  }

  async #judgeAll(due: readonly GatewayId[], moment: VerdictMoment): Promise<void> {
    const queue = due.values()
    let failed = false
    const work = async (): Promise<void> => {
      for (const gateway of queue) {
        if (failed) return
        const rows = await this.#sources.ledger.load(gateway)
        if (rows !== undefined) this.#judged.set(gateway, judge(ledgerFromRows(rows), moment))
        this.#unshown.add(gateway)
        await this.#pause()
      }
    }
    const workers = Array.from({ length: Math.min(LOADS_AT_ONCE, due.length) }, () =>
      work().catch((error: unknown) => {
        failed = true
        throw error
      }),
    )
    await Promise.all(workers)
  }

  async #pause(): Promise<void> {
    const { clock, breathe } = this.#sources
    if (clock.monotonicMs() < this.#sliceEndsMs) return
    await breathe()
    this.#sliceEndsMs = clock.monotonicMs() + SLICE_MS
  }

  /** The rows that differ from what was shown; `undefined` where none does and none is gone. What is shown changes at once, at the end. */
  async #show(): Promise<readonly Shown[] | undefined> {
    const changed: Shown[] = []
    const gone: string[] = []
    for (const gateway of this.#unshown) {
      const row = this.#rowOf(gateway)
      const json = row === undefined ? undefined : JSON.stringify(row)
      if (row === undefined || json === undefined) gone.push(gateway)
      else if (json !== this.#shown.get(gateway)?.json) changed.push({ row, json })
      await this.#pause()
    }
    this.#unshown.clear()
    for (const each of changed) this.#shown.set(each.row.gateway, each)
    for (const gateway of gone) this.#shown.delete(gateway)
    if (changed.length === 0 && gone.length === 0 && this.#version > 0) return undefined
    this.#counts = countsOf([...this.#shown.values()].map(({ row }) => row))
    return changed
  }

  #rowOf(gateway: string): GatewayRow | undefined {
    const judged = this.#judged.get(gateway)
    const hosted = this.#hosted.get(gateway)
    if (judged !== undefined) return gatewayRow(judged.verdict, hosted)
    return hosted === undefined ? undefined : unheardRow(hosted, this.#sources.settings.stores)
  }
}
