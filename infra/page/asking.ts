/** Asks the server the same again and again, until it is closed. */

import { getJson, Refused } from './api.ts'

export interface AskingOptions<T> {
  readonly path: string
  readonly everyMs: number
  answered(news: T): void
  refused(reason: string): void
}

export class Asking<T> {
  readonly #options: AskingOptions<T>
  readonly #ended = new AbortController()
  #timer = 0

  constructor(options: AskingOptions<T>) {
    this.#options = options
    void this.now()
  }

  close(): void {
    this.#ended.abort()
    clearTimeout(this.#timer)
  }

  /** Not only when it is time. */
  async now(): Promise<void> {
    clearTimeout(this.#timer)
    const { path, everyMs, answered, refused } = this.#options
    const { signal } = this.#ended
    try {
      const news = await getJson<T>(path, signal)
      if (!signal.aborted) answered(news)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Refused)) throw error
      refused(error.message)
    }
    if (!signal.aborted) this.#timer = window.setTimeout(() => void this.now(), everyMs)
  }
}
