/** What an indexer tells whoever watches it: the log, an alert. Each change of state is told once; how things stand is in `IndexerStatus`. */

import type { RecordingState } from '../ports/recording-index.ts'

export type RootState =
  /** Not listed yet. */
  | 'new'
  | 'sound'
  /** Another indexer has its lease. */
  | 'standby'
  /** Its content can't be believed: nothing is marked as gone. */
  | 'suspicious'
  | 'unreachable'

export type IndexerChange =
  | { readonly kind: 'index-away'; readonly reason: string }
  | { readonly kind: 'index-back'; readonly awayMs: number }
  | {
      readonly kind: 'root'
      readonly root: string
      readonly state: RootState
      readonly before: RootState
      readonly reason: string
    }

export interface RootStatus {
  readonly root: string
  readonly path: string
  readonly state: RootState
  /** Why it is not sound; else empty. */
  readonly reason: string
  /** Entries by state, as of the last listing and what was written since. */
  readonly entries: Readonly<Partial<Record<RecordingState, number>>>
  /** On storage, resting before they count. */
  readonly settling: number
  /** On storage, final, and waiting for the index. */
  readonly waiting: number
  /** Recordings on storage at the last listing. */
  readonly found: number
  /** Folders that could not be listed, and what paths are too long for any index, at the last listing. */
  readonly unlistable: number
  readonly tooLong: number
  /** Wall time of the end of the last listing that was held against the index; `null` before the first. */
  readonly listedMs: number | null
  readonly listingMs: number
}

export interface IndexerStatus {
  /** `null` while the index answers. */
  readonly away: { readonly sinceMs: number; readonly reason: string } | null
  readonly roots: readonly RootStatus[]
}
