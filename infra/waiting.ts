/** What waits: for a bell that somebody rings, so that nobody polls, for a time, or for the signal that ends it. */

import { setTimeout as wait } from 'node:timers/promises'

export class Bell {
  readonly #waiting = new Set<() => void>()

  ring(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves at the next ring; look again then whether it was yours. Rejects with the signal's reason when aborted. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', abort)
      }
      const wake = (): void => {
        done()
        resolve()
      }
      const abort = (): void => {
        done()
        reject(signal.reason)
      }
      if (signal.aborted) reject(signal.reason)
      else {
        this.#waiting.add(wake)
        signal.addEventListener('abort', abort, { once: true })
      }
    })
  }
}

/** `promise`, or the signal's reason if that comes first. What `promise` does after that concerns nobody. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Waits for the time or the signal, whichever comes first; never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal, ref: false }).catch(() => undefined)
}

/** Whether `promise` settled within the time. Its failure is not this function's business. */
export async function settledWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const over = new AbortController()
  const settled = promise.then(
    () => true,
    () => true,
  )
  const late = pause(ms, over.signal).then(() => false)
  return Promise.race([settled, late]).finally(() => over.abort())
}
