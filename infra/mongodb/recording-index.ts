/** The index of recordings in MongoDB: a document an entry, and one a root in a collection beside it. Contract: `services/ports/recording-index.ts`. */

import type { Document } from 'mongodb'
import { codeOf, TidemarkError } from '../../services/core/errors.ts'
import type {
  Claim,
  Insertion,
  NewRecording,
  Recording,
  RecordingIndex,
  RecordingMark,
  Revised,
  Revision,
  RootNote,
} from '../../services/ports/recording-index.ts'
import { DURABLY, type MongodbAccess, MongodbConnection } from './connection.ts'
import {
  documentOf,
  MARK,
  markOf,
  type RecordingDocument,
  recordingId,
  recordingOf,
  sizeOf,
  updateOf,
} from './recording-document.ts'
import { isRefusal, storeTrouble, TAKEN, writeConcernErrorOf, writeErrorsOf } from './trouble.ts'

export interface RecordingIndexOptions extends MongodbAccess {
  /** Roots stand in `COLLECTION_roots`. */
  readonly collection: string
}

/** Connects at the first call. */
export function mongodbRecordingIndex(options: RecordingIndexOptions): RecordingIndex {
  return new MongodbRecordingIndex(options)
}

const BATCH = 2_000
/** A command is one document, and may have 16 MB. */
const COMMAND_BYTES_MAX = 8_000_000
const WHAT = 'the index of recordings in MongoDB'

class MongodbRecordingIndex implements RecordingIndex {
  readonly #connection: MongodbConnection
  readonly #entries: string
  readonly #roots: string

  constructor({ url, collection }: RecordingIndexOptions) {
    this.#connection = new MongodbConnection({ url }, WHAT, storeTrouble)
    this.#entries = collection
    this.#roots = `${collection}_roots`
  }

  async *read(root: string, signal: AbortSignal): AsyncGenerator<readonly RecordingMark[]> {
    const filter = { _id: { $gte: recordingId(root, ''), $lt: `${root}0` } }
    const options = { sort: { _id: 1 }, projection: MARK, batchSize: BATCH } as const
    for await (const batch of this.#connection.findAll(this.#entries, filter, options, signal)) {
      yield batch.map((document) => markOf(document as RecordingDocument))
      signal.throwIfAborted()
    }
  }

  async find(root: string, path: string, signal: AbortSignal): Promise<Recording | undefined> {
    const filter = { _id: recordingId(root, path) }
    const [found] = await this.#connection.findFew(this.#entries, { filter }, 1, signal)
    return found === undefined ? undefined : recordingOf(found as RecordingDocument)
  }

  async insert(root: string, recordings: readonly NewRecording[], signal: AbortSignal): Promise<readonly Insertion[]> {
    const told: Insertion[] = []
    for (const part of inParts(recordings, sizeOf)) {
      told.push(...(await splitting(part, (some) => this.#insert(root, some, signal))))
    }
    return told
  }

  async revise(root: string, revisions: readonly Revision[], signal: AbortSignal): Promise<readonly Revised[]> {
    const told: Revised[] = []
    const size = ({ facts, path }: Revision): number => (facts === undefined ? 1_000 : sizeOf({ ...facts, path }))
    for (const part of inParts(revisions, size)) {
      told.push(...(await splitting(part, (some) => this.#revise(root, some, signal))))
    }
    return told
  }

  async claim(root: string, { holder, nowMs, untilMs }: Claim, signal: AbortSignal): Promise<boolean> {
    const lease = { holder, until: new Date(untilMs) }
    const free = [{ holder }, { holder: null }, { until: { $lte: new Date(nowMs) } }]
    return this.#change(root, { $or: free }, { $set: lease }, signal)
  }

  async release(root: string, holder: string, signal: AbortSignal): Promise<void> {
    await this.#change(root, { holder }, { $set: { holder: null } }, signal)
  }

  async rootNote(root: string, signal: AbortSignal): Promise<RootNote | undefined> {
    const [found] = await this.#connection.findFew(this.#roots, { filter: { _id: root } }, 1, signal)
    if (found === undefined || typeof found.note !== 'string') return undefined
    return JSON.parse(found.note) as RootNote
  }

  async noteRoot(root: string, note: RootNote, signal: AbortSignal): Promise<void> {
    const whole = { ...(await this.rootNote(root, signal)), ...note }
    await this.#change(root, {}, { $set: { note: JSON.stringify(whole) } }, signal)
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#write(
      { update: this.#roots, updates: [{ q: { _id: '' }, u: { $set: { probed: true } }, upsert: true }] },
      signal,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]()
  }

  async #insert(root: string, recordings: readonly NewRecording[], signal: AbortSignal): Promise<readonly Insertion[]> {
    const documents = recordings.map((recording) => documentOf(root, recording))
    const answer = await this.#write({ insert: this.#entries, documents, ordered: false }, signal)
    const told = new Array<Insertion>(recordings.length).fill('made')
    for (const { index, code, message } of writeErrorsOf(answer)) {
      if (TAKEN.has(code)) told[index] = 'present'
      else if (isRefusal(code)) told[index] = { refused: message }
      else throw storeTrouble({ code, message }, WHAT)
    }
    return told
  }

  async #revise(root: string, revisions: readonly Revision[], signal: AbortSignal): Promise<readonly Revised[]> {
    const updates = revisions.map((revision) => updateOf(root, revision))
    const answer = await this.#write({ update: this.#entries, updates, ordered: false }, signal)
    const refused = new Map<number, string>()
    for (const { index, code, message } of writeErrorsOf(answer)) {
      if (!isRefusal(code)) throw storeTrouble({ code, message }, WHAT)
      refused.set(index, message)
    }
    if (Number(answer.n) === revisions.length) return revisions.map(() => 'done')
    const told: Revised[] = []
    // The answer counts and does not name: so few are looked at one by one.
    for (const [i, revision] of revisions.entries()) {
      const reason = refused.get(i)
      told.push(
        reason === undefined ? await this.#afterwards(root, revision, revisions.length, signal) : { refused: reason },
      )
    }
    return told
  }

  /** Of a revision that was sent with others, some of which were not done. Behind one that is refused, a server may leave out the rest. */
  async #afterwards(root: string, revision: Revision, sent: number, signal: AbortSignal): Promise<Revised> {
    const { path, from, revisedMs } = revision
    const now = await this.find(root, path, signal)
    if (now?.revision === from + 1 && now.revisedMs === revisedMs) return 'done'
    if (now?.revision !== from || sent === 1) return 'stale'
    return (await this.#revise(root, [revision], signal))[0] ?? 'stale'
  }

  /** Whether the document of the root is such and was changed; made where there is none. */
  async #change(root: string, such: Document, u: Document, signal: AbortSignal): Promise<boolean> {
    const update = { update: this.#roots, updates: [{ q: { _id: root, ...such }, u }] }
    if (Number((await this.#write(update, signal)).n) === 1) return true
    const documents = [{ _id: root, ...u.$set }]
    const [taken] = writeErrorsOf(await this.#write({ insert: this.#roots, documents }, signal))
    if (taken === undefined) return true
    if (!TAKEN.has(taken.code)) throw storeTrouble(taken, WHAT)
    return Object.keys(such).length === 0 && Number((await this.#write(update, signal)).n) === 1
  }

  async #write(command: Document, signal: AbortSignal): Promise<Document> {
    const answer = await this.#connection.run({ ...command, writeConcern: DURABLY }, signal)
    const failed = writeConcernErrorOf(answer)
    if (failed !== undefined) throw storeTrouble(failed, WHAT)
    return answer
  }
}

/** What is refused as a whole is tried in halves, until what is refused stands alone. */
async function splitting<T, R extends string>(
  items: readonly T[],
  work: (items: readonly T[]) => Promise<readonly (R | { readonly refused: string })[]>,
): Promise<readonly (R | { readonly refused: string })[]> {
  if (items.length === 0) return []
  try {
    return await work(items)
  } catch (error) {
    if (codeOf(error) !== 'batch-refused' || !(error instanceof TidemarkError)) throw error
    if (items.length === 1) return [{ refused: error.message }]
    const half = items.length >> 1
    return [...(await splitting(items.slice(0, half), work)), ...(await splitting(items.slice(half), work))]
  }
}

function* inParts<T>(items: readonly T[], size: (item: T) => number): Generator<readonly T[]> {
  let part: T[] = []
  let bytes = 0
  for (const item of items) {
    const more = size(item)
    if (part.length > 0 && bytes + more > COMMAND_BYTES_MAX) {
      yield part
      part = []
      bytes = 0
    }
    part.push(item)
    bytes += more
  }
  if (part.length > 0) yield part
}
