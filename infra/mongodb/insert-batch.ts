/** Cuts the readings of one write into inserts that a server takes, and knows which document is which reading. */

import type { ArrivingReading } from '../../services/ports/reading-store.ts'
import type { ReadingDocument, ReadingDocuments } from './reading-document.ts'

export interface InsertBatch {
  readonly documents: readonly ReadingDocument[]
  /** Of each document, where its reading stands in the write. */
  readonly owners: readonly number[]
}

const DOCUMENTS_MAX = 5_000
/** A command is one document, and may have 16 MB. */
const BYTES_MAX = 8_000_000

/** What no document can hold goes to `refused`, with the reason. */
export function* insertBatches(
  readings: readonly ArrivingReading[],
  order: Iterable<number>,
  builder: ReadingDocuments,
  refused: Map<number, string>,
): Generator<InsertBatch> {
  let documents: ReadingDocument[] = []
  let owners: number[] = []
  let bytes = 0
  for (const owner of order) {
    const made = builder.make(readings[owner] as ArrivingReading)
    if ('reason' in made) {
      refused.set(owner, made.reason)
      continue
    }
    if (documents.length >= DOCUMENTS_MAX || bytes + builder.bytes > BYTES_MAX) {
      if (documents.length > 0) yield { documents, owners }
      documents = []
      owners = []
      bytes = 0
    }
    documents.push(made)
    owners.push(owner)
    bytes += builder.bytes
  }
  if (documents.length > 0) yield { documents, owners }
}
