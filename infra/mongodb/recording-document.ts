/** How a recording stands in MongoDB. */

import type { Document } from 'mongodb'
import type {
  Metadata,
  NewRecording,
  Recording,
  RecordingFacts,
  RecordingMark,
  RecordingState,
  Revision,
} from '../../services/ports/recording-index.ts'

export interface RecordingDocument {
  /** `ROOT/PATH`. */
  readonly _id: string
  readonly root: string
  readonly path: string
  readonly id: string
  readonly state: RecordingState
  readonly reason: string
  readonly stamp: string
  readonly found: Date
  readonly indexed: Date
  readonly revision: number
  readonly size?: number
  readonly modified?: Date
  readonly metadata?: Document
  readonly final?: Date
  readonly hash?: string
  readonly revised?: Date
}

/** The fields of a mark. */
export const MARK = { path: 1, state: 1, stamp: 1, revision: 1, hash: 1 } as const

export function recordingId(root: string, path: string): string {
  return `${root}/${path}`
}

export function documentOf(root: string, { path, id, foundMs, indexedMs, ...facts }: NewRecording): RecordingDocument {
  return {
    _id: recordingId(root, path),
    root,
    path,
    id,
    ...fieldsOf(facts),
    found: new Date(foundMs),
    indexed: new Date(indexedMs),
    revision: 1,
  }
}

/** As an update of the document at the revision it is based on. */
export function updateOf(root: string, { path, from, revisedMs, facts, ...changed }: Revision): Document {
  const fields = facts === undefined ? {} : fieldsOf(facts)
  const $unset = facts === undefined ? [] : OPTIONAL.filter((name) => !(name in fields) && !(name in changed))
  return {
    q: { _id: recordingId(root, path), revision: from },
    u: {
      $set: { ...fields, ...changed, revised: new Date(revisedMs), revision: from + 1 },
      ...($unset.length === 0 ? {} : { $unset: Object.fromEntries($unset.map((name) => [name, ''])) }),
    },
  }
}

export function recordingOf(document: RecordingDocument): Recording {
  const { _id, root: _, found, indexed, revised, final, modified, metadata, size, revision, ...same } = document
  return {
    ...same,
    foundMs: found.getTime(),
    indexedMs: indexed.getTime(),
    revision: Number(revision),
    ...(size === undefined ? {} : { size: Number(size) }),
    ...(modified === undefined ? {} : { modifiedMs: modified.getTime() }),
    ...(metadata === undefined ? {} : { metadata: renamed(metadata, plainName) as Metadata }),
    ...(final === undefined ? {} : { finalMs: final.getTime() }),
    ...(revised === undefined ? {} : { revisedMs: revised.getTime() }),
  }
}

export function markOf({ path, state, stamp, revision, hash }: RecordingDocument): RecordingMark {
  return { path, state, stamp, revision: Number(revision), hashed: hash !== undefined }
}

/** At most about so many bytes: a list of digits takes six times as much in BSON as in JSON. */
export function sizeOf({ metadata, path }: NewRecording | (RecordingFacts & { readonly path: string })): number {
  return 1_000 + 4 * path.length + (metadata === undefined ? 0 : 6 * JSON.stringify(metadata).length)
}

type Fields = Pick<RecordingDocument, 'state' | 'reason' | 'stamp' | 'size' | 'modified' | 'metadata' | 'final'>

const OPTIONAL = ['size', 'modified', 'metadata', 'final', 'hash'] as const

function fieldsOf({ state, reason, stamp, size, modifiedMs, metadata, finalMs }: RecordingFacts): Fields {
  return {
    state,
    reason,
    stamp,
    ...(size === undefined ? {} : { size }),
    ...(modifiedMs === undefined ? {} : { modified: new Date(modifiedMs) }),
    ...(metadata === undefined ? {} : { metadata: renamed(metadata, escapedName) as Document }),
    ...(finalMs === undefined ? {} : { final: new Date(finalMs) }),
  }
}

/** At every depth. */
function renamed(value: unknown, name: (from: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => renamed(each, name))
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [name(key), renamed(inner, name)]))
}

/** Dots and dollar signs mean something in queries, and a name ends at a zero. */
function escapedName(name: string): string {
  return name.replace(/[%.$\0]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

function plainName(name: string): string {
  return name.replace(/%(2E|24|25|00)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
