/** Keeps the entries of one root equal to its files: events make it quick, listings make it true, and storage itself is the only queue. */

import type { Logger } from 'pino'
import { codeOf } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { FileTree } from '../ports/file-tree.ts'
import type { RecordingIndex } from '../ports/recording-index.ts'
import type { IndexerChange, RootState, RootStatus } from './changes.ts'
import { EntryCounts } from './entry-counts.ts'
import { Hasher } from './hasher.ts'
import type { IndexLink } from './index-link.ts'
import { ASK_EVERY_MS, Lease } from './lease.ts'
import { RootFinder } from './root-finder.ts'
import { type ListingEnd, RootListing } from './root-listing.ts'
import { type Rested, RootWriter } from './root-writer.ts'
import type { Waiting } from './settling.ts'

export interface RootIndexerOptions {
  readonly root: string
  /** For people. */
  readonly path: string
  readonly tree: FileTree
  readonly index: RecordingIndex
  readonly link: IndexLink
  readonly clock: Clock
  readonly logger: Logger
  readonly holder: string
  readonly dataSuffix: string
  readonly settleMs: number
  readonly listEveryMs: number
  readonly goneMax: number
  /** Absent when nothing is hashed. */
  readonly hashBytesPerS?: number | undefined
  tell(change: IndexerChange): void
}

const WRITE_AT_ONCE = 2_000
const READ_AT_ONCE = 200
/** A root that can't be listed, or believed, is tried again so soon. */
const TROUBLED_MS = 5_000
/** And no sooner than after so many times what its last listing took. */
const TROUBLED_TIMES = 4
/** What events missed is listed so soon; several such in a row are one listing. */
const UNCLEAR_MS = 1_000
const RELEASE_WITHIN_MS = 1_000
/** Unchanged for so many settle times by the clock of the storage: it needs no watching. */
const OLD_TIMES = 10

export class RootIndexer {
  readonly #options: RootIndexerOptions
  readonly #finder: RootFinder
  readonly #writer: RootWriter
  readonly #listing: RootListing
  readonly #lease: Lease
  readonly #hasher: Hasher | undefined
  readonly #oldMs: number
  readonly #entries = new EntryCounts()
  #state: RootState = 'new'
  #reason = ''
  #last: Pick<RootStatus, 'found' | 'unlistable' | 'tooLong' | 'listedMs' | 'listingMs'> = {
    found: 0,
    unlistable: 0,
    tooLong: 0,
    listedMs: null,
    listingMs: 0,
  }
  /** By the monotonic clock. */
  #listAtMs: number
  /** What has changed since then may be unknown to the index. */
  readonly #begunWallMs: number
  /** The root was listed, and is the one that the index tells of. */
  #mayWrite = false
  /** Of the root that was listed last. */
  #mark: string | undefined

  constructor(options: RootIndexerOptions) {
    const { root, tree, index, clock, holder, settleMs, goneMax, hashBytesPerS } = options
    this.#options = options
    this.#oldMs = settleMs * OLD_TIMES
    this.#listAtMs = clock.monotonicMs()
    this.#begunWallMs = clock.wallMs()
    this.#finder = new RootFinder({ ...options, unclear: (reason) => this.#unclear(reason) })
    const unhashed = (path: string): void => this.#hasher?.offer(path)
    this.#writer = new RootWriter({
      ...options,
      unhashed,
      moved: (from, to) => this.#entries.moved(from, to),
      unclear: () => this.#unclear('many of them are in the index already'),
    })
    this.#listing = new RootListing({
      ...{ root, tree, index, clock, goneMax, unhashed },
      writer: this.#writer,
      settling: this.#finder.settling,
      oldMs: this.#oldMs,
      between: (signal) => this.#drain(signal),
    })
    this.#lease = new Lease({ root, holder, index, clock })
    const wantsMore = (): void => this.#listWithin(0)
    this.#hasher =
      hashBytesPerS === undefined ? undefined : new Hasher({ ...options, bytesPerS: hashBytesPerS, wantsMore })
  }

  get status(): RootStatus {
    const { root, path } = this.#options
    const { waiting, ready } = this.#finder.settling
    return {
      ...{ root, path, state: this.#state, reason: this.#reason },
      entries: this.#entries.now,
      settling: waiting,
      waiting: ready,
      ...this.#last,
    }
  }

  get hashed(): number {
    return this.#hasher?.hashed ?? 0
  }

  /** Until the signal aborts. Throws what waiting does not mend. */
  async run(signal: AbortSignal): Promise<void> {
    const { link, clock } = this.#options
    while (!signal.aborted) {
      try {
        if (await this.#lease.claim(signal)) await this.#lease.during((leading) => this.#lead(leading), signal)
        else {
          this.#turn('standby', 'another indexer has the lease of this root')
          await clock.sleep(ASK_EVERY_MS, signal)
        }
      } catch (error) {
        if (signal.aborted) break
        if (!link.isAway(error)) throw error
        await this.#whileAway(signal)
      }
    }
    await this.#lease.release(AbortSignal.timeout(RELEASE_WITHIN_MS)).catch(() => undefined)
  }

  async #lead(signal: AbortSignal): Promise<void> {
    if (this.#state === 'standby') this.#turn('new', '')
    // Who begins to lead lists at once, but after an outage what is known to have come goes first.
    if (this.#listAtMs !== Number.POSITIVE_INFINITY) this.#listWithin(0)
    const over = new AbortController()
    const hashing = this.#hasher?.run(AbortSignal.any([signal, over.signal]))
    try {
      for (;;) {
        await this.#drain(signal)
        if (this.#listAtMs === Number.POSITIVE_INFINITY) this.#listWithin(UNCLEAR_MS)
        if (this.#options.clock.monotonicMs() >= this.#listAtMs) await this.#list(signal)
        else await this.#finder.rest(this.#listAtMs, signal)
      }
    } finally {
      over.abort()
      await hashing
    }
  }

  /** Everything that has rested goes to the index; meanwhile the next ones are read. */
  async #drain(signal: AbortSignal): Promise<void> {
    const { settling } = this.#finder
    await this.#finder.look(signal)
    if (settling.ready > 0) await this.#assertSameRoot()
    while (this.#mayWrite) {
      const some = await this.#finder.rested(WRITE_AT_ONCE)
      if (some.length === 0) return
      await this.#writer.write(some.map(restedOf), signal)
      for (const { finding } of some) settling.forget(finding.path)
    }
  }

  /** Nothing is written of a root that was mounted, unmounted or replaced since it was listed. */
  async #assertSameRoot(): Promise<void> {
    if (!this.#mayWrite || (await this.#options.tree.mark().catch(() => undefined)) === this.#mark) return
    this.#mayWrite = false
    this.#listWithin(0)
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { tree, index, root, clock, listEveryMs } = this.#options
    const fromMs = clock.monotonicMs()
    this.#entries.beginListing()
    this.#listAtMs = Number.MAX_SAFE_INTEGER
    try {
      const note = await index.rootNote(root, signal)
      const mark = await tree.mark()
      const isOther = note?.mark !== undefined && note.mark !== mark
      const accepted = note?.acceptGone === true
      // Another folder than before: nothing of it is written before it is known to hold what the index tells of.
      const before = isOther && !accepted ? await this.#listing.judge(signal) : undefined
      this.#mayWrite = before?.suspicion === undefined
      this.#mark = mark
      const end = this.#mayWrite ? await this.#listing.run(mark, accepted, signal) : before
      if (end === undefined) return
      this.#count(end, clock.monotonicMs() - fromMs)
      const { suspicion, again } = end
      this.#turn(suspicion === undefined ? 'sound' : 'suspicious', suspicion ?? '')
      if (suspicion !== undefined) this.#listWithin(Math.max(TROUBLED_MS, TROUBLED_TIMES * this.#last.listingMs))
      else if (again) this.#listWithin(this.#options.settleMs)
      const believed = suspicion === undefined ? { mark, acceptGone: accepted && again } : {}
      await index.noteRoot(root, { ...believed, status: this.status }, signal)
    } catch (error) {
      if (codeOf(error) !== 'root-unreachable') throw error
      this.#mayWrite = false
      const isNew = this.#state !== 'unreachable'
      this.#turn('unreachable', error instanceof Error ? error.message : String(error))
      this.#listWithin(TROUBLED_MS)
      if (isNew) await index.noteRoot(root, { status: this.status }, signal)
    } finally {
      this.#entries.endListing()
      // Counted from its end, so that there is a pause also where a listing takes longer.
      this.#listWithin(listEveryMs)
    }
  }

  #count({ counts, states, tooLong }: ListingEnd, listingMs: number): void {
    const { found, holes } = counts
    const listedMs = this.#options.clock.wallMs()
    this.#last = { found, unlistable: holes.length, tooLong, listedMs, listingMs: Math.round(listingMs) }
    this.#entries.endListing(states)
  }

  /** Storage is the queue: what comes is found and let settle, and nothing has to be kept. */
  async #whileAway(signal: AbortSignal): Promise<void> {
    const back = new AbortController()
    const finding = this.#findAlone(AbortSignal.any([signal, back.signal]))
    try {
      await this.#options.link.untilBack(signal)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      back.abort()
      await finding
      this.#listAtMs = Number.POSITIVE_INFINITY
    }
  }

  async #findAlone(signal: AbortSignal): Promise<void> {
    const { clock, listEveryMs } = this.#options
    const sinceMs = Math.max(this.#last.listedMs ?? 0, this.#begunWallMs) - this.#oldMs
    let listAtMs = clock.monotonicMs() + Math.min(listEveryMs, TROUBLED_MS)
    while (!signal.aborted) {
      try {
        await this.#finder.look(signal)
        await this.#readAhead(signal)
        if (clock.monotonicMs() >= listAtMs) {
          listAtMs = clock.monotonicMs() + listEveryMs
          await this.#finder.listAlone(sinceMs, signal)
        }
        await this.#finder.rest(listAtMs, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#options.logger.debug({ root: this.#options.root, err: error }, 'the root could not be listed')
        await clock.sleep(TROUBLED_MS, signal).catch(() => undefined)
      }
    }
  }

  /** So that only the index has something to do when it is back. */
  async #readAhead(signal: AbortSignal): Promise<void> {
    const { settling } = this.#finder
    for (let some = settling.unread(READ_AT_ONCE); some.length > 0; some = settling.unread(READ_AT_ONCE)) {
      const judged = await Promise.all(some.map(({ finding }) => this.#writer.judge(finding)))
      for (const [i, judgement] of judged.entries()) settling.read(some[i] as Waiting, judgement)
      signal.throwIfAborted()
    }
  }

  #unclear(reason: string): void {
    this.#options.logger.debug({ root: this.#options.root, reason }, 'events do not tell everything: a listing will')
    this.#listWithin(UNCLEAR_MS)
  }

  #listWithin(ms: number): void {
    this.#listAtMs = Math.min(this.#listAtMs, this.#options.clock.monotonicMs() + ms)
    this.#finder.wake()
  }

  #turn(state: RootState, reason: string): void {
    const { root, tell } = this.#options
    const before = this.#state
    this.#state = state
    this.#reason = reason
    if (before !== state) tell({ kind: 'root', root, state, before, reason })
  }
}

function restedOf({ finding, known, foundMs, sinceWallMs, judgement }: Waiting): Rested {
  return { finding, known, foundMs, finalMs: sinceWallMs, judgement }
}
