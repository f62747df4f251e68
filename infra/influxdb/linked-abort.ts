/** An abort that follows others, and lets go of them at its end: `AbortSignal.any` on a signal that lives long keeps what hangs on it. */

export class LinkedAbort implements Disposable {
  readonly #stop = new AbortController()
  readonly #followed: readonly AbortSignal[]
  readonly #follow = (event: Event): void => this.#stop.abort((event.target as AbortSignal).reason)

  /** Throws the reason of one that is aborted already. */
  constructor(...followed: readonly AbortSignal[]) {
    for (const each of followed) each.throwIfAborted()
    for (const each of followed) each.addEventListener('abort', this.#follow, { once: true })
    this.#followed = followed
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  abort(reason: unknown): void {
    this.#stop.abort(reason)
  }

  [Symbol.dispose](): void {
    for (const each of this.#followed) each.removeEventListener('abort', this.#follow)
  }
}
