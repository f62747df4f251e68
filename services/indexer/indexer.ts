/** The indexer: every root beside the others, one index behind all of them, and what it tells of both. */

import type { Logger } from 'pino'
import type { Clock, Random } from '../ports/clock.ts'
import type { FileTree } from '../ports/file-tree.ts'
import type { RecordingIndex } from '../ports/recording-index.ts'
import type { IndexerChange, IndexerStatus } from './changes.ts'
import { IndexLink } from './index-link.ts'
import { RootIndexer, type RootIndexerOptions } from './root-indexer.ts'

export interface IndexedRoot {
  readonly root: string
  /** For people. */
  readonly path: string
  readonly tree: FileTree
}

export interface IndexerOptions
  extends Pick<RootIndexerOptions, 'dataSuffix' | 'settleMs' | 'listEveryMs' | 'goneMax' | 'hashBytesPerS'> {
  readonly roots: readonly IndexedRoot[]
  readonly index: RecordingIndex
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Told every change of state once, after the log. */
  readonly told?: ((change: IndexerChange) => void) | undefined
}

export class Indexer {
  readonly #options: IndexerOptions
  readonly #link: IndexLink
  readonly #roots: readonly RootIndexer[]

  constructor(options: IndexerOptions) {
    const { roots, random, logger } = options
    const tell = (change: IndexerChange): void => this.#tell(change)
    const holder = random.id()
    this.#options = options
    this.#link = new IndexLink({ ...options, tell })
    this.#roots = roots.map((each) => new RootIndexer({ ...options, ...each, link: this.#link, holder, logger, tell }))
  }

  get status(): IndexerStatus {
    return { away: this.#link.away, roots: this.#roots.map(({ status }) => status) }
  }

  /** Hashes written since the start. */
  get hashed(): number {
    return this.#roots.reduce((sum, { hashed }) => sum + hashed, 0)
  }

  /** Until the signal aborts. Throws what waiting does not mend, after every root has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const failed = new AbortController()
    const both = AbortSignal.any([signal, failed.signal])
    const ended = await Promise.allSettled(
      this.#roots.map((root) =>
        root.run(both).catch((error: unknown) => {
          failed.abort(error)
          throw error
        }),
      ),
    )
    for (const each of ended) if (each.status === 'rejected') throw each.reason
  }

  #tell(change: IndexerChange): void {
    const { logger, told } = this.#options
    if (change.kind === 'index-away') {
      logger.warn(
        { reason: change.reason },
        'the index of recordings is away: what comes is found on storage when it is back',
      )
    } else if (change.kind === 'index-back') {
      logger.info({ awayMs: change.awayMs }, 'the index of recordings answers again')
    } else {
      const { root, state, reason } = change
      if (state === 'suspicious')
        logger.error(
          { root, reason },
          'the root can not be believed: nothing is marked as gone; check its path, and that it is mounted',
        )
      else if (state === 'unreachable')
        logger.error({ root, reason }, 'the root can not be listed: its entries stay as they are')
      else logger.info({ root, state, ...(reason === '' ? {} : { reason }) }, 'a root of recordings')
    }
    told?.(change)
  }
}
