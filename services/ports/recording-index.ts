/** Where recordings stand that were found on storage, one entry each. Adapters: `infra/embedded`, MongoDB. Contract: `test/contract/recording-index.ts`. */

export const RECORDING_STATES = [
  'final',
  'changed',
  'empty',
  'sidecar-missing',
  'sidecar-broken',
  'data-missing',
  'unreadable',
  'outside-root',
  'link-broken',
  'special-file',
  'gone',
] as const

/** `final` is a good recording. What each of the others means stands in `services/core/recordings.ts`. */
export type RecordingState = (typeof RECORDING_STATES)[number]

/** What a sidecar held: an object of JSON. */
export type Metadata = Readonly<Record<string, unknown>>

export interface RecordingFacts {
  readonly state: RecordingState
  /** For a person; empty when the state is `final`. */
  readonly reason: string
  /** What storage said of both files when the facts were found. Equal stamps mean that there is nothing to look at. */
  readonly stamp: string
  /** Of the data file; absent where there is none. */
  readonly size?: number
  readonly modifiedMs?: number
  readonly metadata?: Metadata
  /** Since when storage had not changed any more. */
  readonly finalMs?: number
}

export interface Recording extends RecordingFacts {
  /** Of the data file below its root, with `/` between folders; see `infra/files/path-text.ts` for bytes that are no UTF-8. At most 1,700 bytes. */
  readonly path: string
  /** The name of the data file without its suffix. */
  readonly id: string
  /** When it was seen first. */
  readonly foundMs: number
  readonly indexedMs: number
  /** SHA-256 of the data file in hex, where it was computed since the facts last changed. */
  readonly hash?: string
  readonly revisedMs?: number
  /** 1, and one more with each revision. */
  readonly revision: number
}

export type NewRecording = Omit<Recording, 'revision' | 'hash' | 'revisedMs'>

/** What a comparison with storage needs of an entry. */
export interface RecordingMark {
  readonly path: string
  readonly state: RecordingState
  readonly stamp: string
  readonly revision: number
  readonly hashed: boolean
}

export interface Revision {
  readonly path: string
  /** The revision it is based on. */
  readonly from: number
  readonly revisedMs: number
  /** In place of all facts, and of the hash, that stood there. Without them only `state`, `reason` or `hash` change. */
  readonly facts?: RecordingFacts
  readonly state?: RecordingState
  readonly reason?: string
  readonly hash?: string
}

/** `present`: there is an entry of this path already, and it stays as it is. `refused`: this index can't ever hold it as it is. */
export type Insertion = 'made' | 'present' | { readonly refused: string }
/** `stale`: another revision stands there than the one it is based on, or none; nothing was changed. */
export type Revised = 'done' | 'stale' | { readonly refused: string }

/** What is remembered of a root, beside its entries. */
export interface RootNote {
  /** Which folder of which file system it was. */
  readonly mark?: string
  /** A person has said that what is missing is meant to be missing. */
  readonly acceptGone?: boolean
  /** What the last listing found: JSON, for whoever shows it. */
  readonly status?: unknown
}

export interface Claim {
  readonly holder: string
  /** Wall time of who asks, in milliseconds. */
  readonly nowMs: number
  readonly untilMs: number
}

/**
 * A call that resolves is durable. A throw says nothing about what was done: `store-unavailable` is worth another try with the same input,
 * `store-misconfigured` after somebody mended what its sentence names. A root is a name (`schemas/names.ts`); other content of the store is left alone.
 */
export interface RecordingIndex extends AsyncDisposable {
  /** All entries of a root in the order of their paths' UTF-8 bytes, in bounded batches. Entries written meanwhile may be missing. */
  read(root: string, signal: AbortSignal): AsyncIterable<readonly RecordingMark[]>
  find(root: string, path: string, signal: AbortSignal): Promise<Recording | undefined>
  /** At most 1,000 of different paths; one answer each, in the order given. */
  insert(root: string, recordings: readonly NewRecording[], signal: AbortSignal): Promise<readonly Insertion[]>
  /** At most 1,000 of different paths; one answer each, in the order given. */
  revise(root: string, revisions: readonly Revision[], signal: AbortSignal): Promise<readonly Revised[]>
  /** True when the holder has the lease of the root now: nobody had it, it had run out, or it was the holder's. Near in time two may both be told so. */
  claim(root: string, claim: Claim, signal: AbortSignal): Promise<boolean>
  /** Nothing happens where another one has it. */
  release(root: string, holder: string, signal: AbortSignal): Promise<void>
  /** `undefined` where nothing was noted. */
  rootNote(root: string, signal: AbortSignal): Promise<RootNote | undefined>
  /** What is not named stays. */
  noteRoot(root: string, note: RootNote, signal: AbortSignal): Promise<void>
  /** Resolves when a write could succeed. Throws as the others do. */
  probe(signal: AbortSignal): Promise<void>
}
