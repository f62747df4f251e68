/** Tells every listener of the fleet: the whole once, then what changed at each look. Looks only while somebody listens. */

import type { Clock } from '../ports/clock.ts'
import type { FleetView, Look } from './fleet-view.ts'

/** The same object for every listener that is told the same. */
export type FeedEvent =
  | { readonly name: 'fleet' | 'changes'; readonly version: number; readonly json: string }
  | { readonly name: 'trouble'; readonly json: string }
  /** Nothing was told for a while; it only shows that the connection lives. */
  | { readonly name: 'alive' }

export interface FeedListener {
  /** False from a listener that is too slow: it is told nothing more. */
  tell(event: FeedEvent): boolean
  /** The feed has closed. */
  end(): void
}

interface Told {
  readonly listener: FeedListener
  /** It was told the whole. */
  hasWhole: boolean
  /** What it was told last of the ledger being away; undefined while it is not. */
  trouble: string | undefined
}

const LISTENERS_MAX = 200
const ALIVE_MS = 15_000
const ALIVE: FeedEvent = { name: 'alive' }
/** After a look that failed. */
const AGAIN_MS = 1000

export class FleetFeed {
  readonly #view: FleetView
  readonly #clock: Clock
  readonly #told = new Set<Told>()
  readonly #closed = new AbortController()
  readonly #unlisten: () => void
  #isRunning = false
  #isAway = false
  #lastToldMs = 0
  #whole: (FeedEvent & { readonly name: 'fleet' | 'changes' }) | undefined

  constructor(view: FleetView, clock: Clock) {
    this.#view = view
    this.#clock = clock
    this.#unlisten = view.listen((look) => this.#changed(look))
  }

  get isFull(): boolean {
    return this.#told.size >= LISTENERS_MAX || this.#closed.signal.aborted
  }

  /** Call only while it is not full. Returns what ends the listening. */
  join(listener: FeedListener): () => void {
    const told: Told = { listener, hasWhole: false, trouble: undefined }
    this.#told.add(told)
    if (this.#isRunning) void this.#look()
    else void this.#run()
    return () => void this.#told.delete(told)
  }

  /** Ends every listener; a look that is under way is not waited for. Idempotent. */
  close(): void {
    this.#closed.abort()
    this.#unlisten()
    for (const { listener } of this.#told) listener.end()
    this.#told.clear()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed
    this.#isRunning = true
    this.#lastToldMs = this.#clock.monotonicMs()
    while (this.#told.size > 0 && !signal.aborted) {
      await this.#look()
      this.#showLife()
      const pauseMs = this.#isAway ? AGAIN_MS : this.#view.freshMs
      await this.#clock.sleep(pauseMs, signal).catch(() => undefined)
    }
    this.#isRunning = false
  }

  #showLife(): void {
    if (this.#clock.monotonicMs() - this.#lastToldMs < ALIVE_MS) return
    this.#lastToldMs = this.#clock.monotonicMs()
    for (const told of this.#told) this.#tell(told, ALIVE)
  }

  async #look(): Promise<void> {
    try {
      await this.#view.look()
    } catch (error) {
      return this.#failed(error instanceof Error ? error.message : String(error))
    }
    this.#isAway = false
    for (const told of this.#told) {
      if (!told.hasWhole) this.#tellWhole(told)
      else if (told.trouble !== undefined) this.#tell(told, this.#standing())
      told.trouble = undefined
    }
  }

  #failed(reason: string): void {
    this.#isAway = true
    const event: FeedEvent = { name: 'trouble', json: JSON.stringify({ reason }) }
    for (const told of this.#told) {
      if (told.trouble !== reason) this.#tell(told, event)
      told.trouble = reason
    }
  }

  /** Nothing but that all is as it was. */
  #standing(): FeedEvent {
    const standing = this.#view.standing()
    return { name: 'changes', version: standing.version, json: JSON.stringify(standing) }
  }

  #changed({ version, json }: Look): void {
    this.#whole = undefined
    this.#lastToldMs = this.#clock.monotonicMs()
    const waiting = [...this.#told].filter(({ hasWhole }) => hasWhole)
    if (waiting.length === 0) return
    const event: FeedEvent = { name: 'changes', version, json: json() }
    for (const told of waiting) this.#tell(told, event)
  }

  #tellWhole(told: Told): void {
    const { version } = this.#view
    if (this.#whole?.version !== version) this.#whole = { name: 'fleet', version, json: this.#view.fleetJson() }
    told.hasWhole = true
    this.#tell(told, this.#whole)
  }

  #tell(told: Told, event: FeedEvent): void {
    if (this.#told.has(told) && !told.listener.tell(event)) this.#told.delete(told)
  }
}
