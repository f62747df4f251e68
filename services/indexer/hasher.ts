/** Computes the hashes of final recordings behind everything else, one file at a time and at a bounded pace. */

import type { Logger } from 'pino'
import type { Clock } from '../ports/clock.ts'
import type { FileTree } from '../ports/file-tree.ts'
import type { RecordingIndex } from '../ports/recording-index.ts'
import { Wakeup } from './wakeup.ts'

export interface HasherOptions {
  readonly root: string
  readonly tree: FileTree
  readonly index: RecordingIndex
  readonly clock: Clock
  readonly logger: Logger
  readonly bytesPerS: number
  /** Told when it has room again after it had to leave some out: a listing knows which. */
  wantsMore(): void
}

const QUEUE_MAX = 1_000
/** After a failure of the index; the listings find out what became of it. */
const AGAIN_MS = 5_000

export class Hasher {
  readonly #options: HasherOptions
  readonly #queue = new Set<string>()
  readonly #wakeup: Wakeup
  #leftOut = false
  hashed = 0

  constructor(options: HasherOptions) {
    this.#options = options
    this.#wakeup = new Wakeup(options.clock)
  }

  offer(path: string): void {
    if (this.#queue.size >= QUEUE_MAX && !this.#queue.has(path)) this.#leftOut = true
    else this.#queue.add(path)
    this.#wakeup.ring()
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const [path] = this.#queue
      try {
        if (path === undefined) await this.#wakeup.wait(Number.MAX_SAFE_INTEGER, signal)
        else await this.#hash(path, signal)
        if (path !== undefined) this.#done(path)
      } catch (error) {
        if (signal.aborted) return
        const { clock, logger, root } = this.#options
        logger.debug({ root, err: error }, 'a hash could not be written')
        await clock.sleep(AGAIN_MS, signal).catch(() => undefined)
      }
    }
  }

  #done(path: string): void {
    this.#queue.delete(path)
    if (this.#queue.size > 0 || !this.#leftOut) return
    this.#leftOut = false
    this.#options.wantsMore()
  }

  /** Only where the file is, before and after, the one that the entry tells of. */
  async #hash(path: string, signal: AbortSignal): Promise<void> {
    const { root, tree, index, clock, bytesPerS } = this.#options
    const entry = await index.find(root, path, signal)
    if (entry?.state !== 'final' || entry.hash !== undefined) return
    const hash = await tree.hash(path, bytesPerS, signal)
    const [now] = await tree.look([path])
    if (hash === undefined || now?.stamp !== entry.stamp) return
    const [told] = await index.revise(root, [{ path, from: entry.revision, revisedMs: clock.wallMs(), hash }], signal)
    if (told === 'done') this.hashed += 1
  }
}
