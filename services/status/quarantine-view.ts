/** The open entries of the quarantine, counted and the newest of them kept; the topic is read again only when something was added to it. */

import type { QuarantineEntry } from '../../schemas/records/events.ts'
import type { Clock } from '../ports/clock.ts'
import type { MessageLog } from '../ports/message-log.ts'
import { format } from './judged.ts'
import type { Quarantine, QuarantineRow } from './page-api.ts'

export interface QuarantineSources {
  readonly clock: Clock
  /** Throws where this process has no log, or it does not answer. */
  log(): Promise<MessageLog>
  /** Each once, in any order. */
  entries(): AsyncIterable<QuarantineEntry>
}

interface Seen {
  /** Where the topic ended before it was read. */
  readonly ends: string
  readonly open: number
  readonly byCode: Readonly<Record<string, number>>
  readonly newest: readonly QuarantineRow[]
}

const ENTRIES_MAX = 1000
const ASK_EVERY_MS = 3000

export class QuarantineView {
  readonly #sources: QuarantineSources
  #seen: Seen | undefined
  #askedMs = Number.NEGATIVE_INFINITY
  #reading: Promise<Seen> | undefined

  constructor(sources: QuarantineSources) {
    this.#sources = sources
  }

  /** The newest first. Several that ask at once share one reading. */
  async newest(limit: number): Promise<Quarantine> {
    this.#reading ??= this.#look().finally(() => {
      this.#reading = undefined
    })
    const { open, byCode, newest } = await this.#reading
    return { open, by_code: byCode, entries: newest.slice(0, limit) }
  }

  /** Somebody has closed entries: the next who asks sees that. */
  expire(): void {
    this.#askedMs = Number.NEGATIVE_INFINITY
  }

  async #look(): Promise<Seen> {
    const { clock, log } = this.#sources
    if (this.#seen !== undefined && clock.monotonicMs() - this.#askedMs < ASK_EVERY_MS) return this.#seen
    const messageLog = await log()
    const ends = (await messageLog.offsets('quarantine')).map(({ next }) => next).join()
    this.#askedMs = clock.monotonicMs()
    if (this.#seen?.ends !== ends) this.#seen = await this.#read(ends)
    return this.#seen
  }

  async #read(ends: string): Promise<Seen> {
    const byCode: Record<string, number> = {}
    let open = 0
    let newest: { readonly atMs: number; readonly row: QuarantineRow }[] = []
    const cut = (): void => {
      newest = newest.sort((x, y) => y.atMs - x.atMs).slice(0, ENTRIES_MAX)
    }
    for await (const entry of this.#sources.entries()) {
      open += 1
      byCode[entry.code] = (byCode[entry.code] ?? 0) + 1
      newest.push({ atMs: entry.timeMs, row: rowOf(entry) })
      if (newest.length >= 2 * ENTRIES_MAX) cut()
    }
    cut()
    return { ends, open, byCode, newest: newest.map(({ row }) => row) }
  }
}

/** What came under a key that is not its gateway is asked for again from its gateway: sent again as it is, it would only come back. */
function rowOf({ id, timeMs, gateway, code, reason, store, source }: QuarantineEntry): QuarantineRow {
  return {
    id,
    at: format(timeMs),
    gateway,
    code,
    reason,
    store: store === '' ? null : store,
    from: `${source.topic} ${source.partition}/${source.firstOffset}`,
    redrivable: code !== 'key-mismatch',
  }
}
