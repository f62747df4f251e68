/** One gateway's whole story, asked for again when the fleet says that it changed, and now and then without that. */

import type { GatewayDetail } from '../../services/status/page-api.ts'
import { getJson, Refused } from './api.ts'
import type { FleetState } from './fleet-state.ts'

export interface DetailFeedOptions {
  readonly gateway: string
  readonly fleet: FleetState
  news(detail: GatewayDetail): void
  /** It could not be asked for; what was shown before stays. */
  trouble(why: Refused): void
}

const APART_MS = 1000
const AT_LEAST_EVERY_MS = 5000

export class DetailFeed {
  readonly #options: DetailFeedOptions
  readonly #ended = new AbortController()
  readonly #unlisten: () => void
  #timer = 0
  #asking = false
  #again = false
  #askedMs = Number.NEGATIVE_INFINITY

  constructor(options: DetailFeedOptions) {
    this.#options = options
    this.#unlisten = options.fleet.listen((changed) => {
      if (changed === 'all' || changed.has(options.gateway)) this.soon()
    })
    this.soon()
  }

  /** One question at a time, and a second between two of them. */
  soon(): void {
    if (this.#asking) {
      this.#again = true
      return
    }
    this.#askIn(Math.max(0, this.#askedMs + APART_MS - performance.now()))
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#ended.abort()
    this.#unlisten()
  }

  #askIn(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = window.setTimeout(() => void this.#ask(), ms)
  }

  async #ask(): Promise<void> {
    const { gateway, news, trouble } = this.#options
    const { signal } = this.#ended
    this.#asking = true
    this.#again = false
    this.#askedMs = performance.now()
    try {
      const detail = await getJson<GatewayDetail>(`/api/gateways/${encodeURIComponent(gateway)}`, signal)
      if (!signal.aborted) news(detail)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Refused)) throw error
      trouble(error)
    } finally {
      this.#asking = false
    }
    if (!signal.aborted) this.#askIn(this.#again ? APART_MS : AT_LEAST_EVERY_MS)
  }
}
