/** The server's events: the fleet once, then what changes; and how the page stands with the server. */

import type { Fleet, FleetChanges, FleetTrouble } from '../../services/status/page-api.ts'
import { getJson, Refused } from './api.ts'
import type { FleetState } from './fleet-state.ts'

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** `reason` is in words for people; `status` 503: the server is there, what it needs is not. */
  | { readonly state: 'away'; readonly sinceMs: number; readonly reason: string; readonly status: number }

const AGAIN_MS = 2000
/** A connection this old may have died while nobody looked. */
const HIDDEN_MS = 30_000
const NO_SERVER = 'the server does not answer'
const NO_NEWS = 'the server sends no news at the moment'

export class Live {
  readonly #fleet: FleetState
  readonly #changed: (connection: Connection) => void
  #source: EventSource | undefined
  #connection: Connection = { state: 'connecting' }

  constructor(fleet: FleetState, changed: (connection: Connection) => void) {
    this.#fleet = fleet
    this.#changed = changed
    let hiddenMs = 0
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') hiddenMs = Date.now()
      else if (Date.now() - hiddenMs > HIDDEN_MS) this.open()
    })
    window.addEventListener('online', () => this.open())
  }

  get connection(): Connection {
    return this.#connection
  }

  open(): void {
    this.#source?.close()
    const source = new EventSource('/api/events')
    this.#source = source
    source.addEventListener('fleet', (event) => {
      this.#fleet.whole(JSON.parse(event.data) as Fleet)
      this.#set({ state: 'live' })
    })
    source.addEventListener('changes', (event) => {
      if (!this.#fleet.change(JSON.parse(event.data) as FleetChanges)) this.open()
      else this.#set({ state: 'live' })
    })
    source.addEventListener('trouble', (event) => {
      const { reason } = JSON.parse(event.data) as FleetTrouble
      this.#away(reason, 503)
    })
    source.addEventListener('error', () => {
      this.#away(NO_SERVER, 0)
      // The browser tries again by itself, except after an answer that was no event stream.
      if (source.readyState === EventSource.CLOSED) void this.#askWhy(source)
    })
  }

  async #askWhy(source: EventSource): Promise<void> {
    try {
      await getJson('/api/gateways', AbortSignal.timeout(AGAIN_MS * 2))
      this.#away(NO_NEWS, 503)
    } catch (error) {
      if (error instanceof Refused) this.#away(error.message, error.status)
    }
    setTimeout(() => {
      if (this.#source === source) this.open()
    }, AGAIN_MS)
  }

  #away(reason: string, status: number): void {
    const sinceMs = this.#connection.state === 'away' ? this.#connection.sinceMs : Date.now()
    this.#set({ state: 'away', sinceMs, reason, status })
  }

  #set(connection: Connection): void {
    if (JSON.stringify(connection) === JSON.stringify(this.#connection)) return
    this.#connection = connection
    this.#changed(connection)
  }
}
