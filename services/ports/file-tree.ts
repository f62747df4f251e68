/** The files below one root, as an indexer of recordings sees them. Adapter: `infra/files`. Contract: `test/contract/file-tree.ts`. */

/** What stands where a file is expected. */
export type Look =
  /** `stamp` differs whenever size, times of change or the file itself do. */
  | { readonly kind: 'file'; readonly size: number; readonly modifiedMs: number; readonly stamp: string }
  | { readonly kind: 'none' }
  /** What it is instead: `a folder`, `a socket`. */
  | { readonly kind: 'special'; readonly what: string }
  | { readonly kind: 'outside' }
  | { readonly kind: 'broken-link' }
  | { readonly kind: 'unreadable'; readonly code: string }

/** A recording on storage: the data file and its sidecar, of which at least one is there when a listing tells of it. */
export interface Finding {
  /** Of the data file below the root. Bytes that are no UTF-8, and `%`, stand as `%XX`. */
  readonly path: string
  readonly data: Look
  readonly sidecar: Look
  /** Of both files. */
  readonly stamp: string
  /** Milliseconds since 1970 of the last change to either of them that storage tells of, by the clock of the storage. */
  readonly changedMs: number
}

/** A folder that is there and can't be listed: nothing is known of what is below it. */
export interface Hole {
  /** Ends in `/`, or is empty for the root. */
  readonly below: string
  readonly code: string
}

export type Listed = Finding | Hole

/** What the files of one recording hold. */
export interface Content {
  /** Absent when the data file can be read; else why not. */
  readonly dataFault?: string
  readonly sidecar: { readonly bytes: Uint8Array } | { readonly fault: string }
}

export interface TreeListener {
  /** Something happened to this recording, or may have. */
  seen(path: string): void
  /** Events are missing from now on, or some were lost: only a listing tells. */
  missed(reason: string): void
}

export interface FileTree extends AsyncDisposable {
  /** Tells storages apart: another one after the root was mounted, unmounted or replaced. Throws `root-unreachable`. */
  mark(): Promise<string>
  /**
   * Everything below the root in the order of the paths' UTF-8 bytes, in bounded batches and bounded memory but for the names of one folder at each depth.
   * Links to folders are not followed. Files that come or go meanwhile may be missing. Throws `root-unreachable` when the root itself can't be listed.
   */
  list(signal: AbortSignal): AsyncIterable<readonly Listed[]>
  /** One for each path, in the order given; `data` and `sidecar` are both `none` where nothing is. */
  look(paths: readonly string[]): Promise<readonly Finding[]>
  /** Reads the sidecar, at most `bytesMax`, and tries whether the data file can be opened. Never throws. */
  content(path: string, bytesMax: number): Promise<Content>
  /** SHA-256 of the data file in hex, at most so many bytes a second; `undefined` when it can't be read to its end. */
  hash(path: string, bytesPerS: number, signal: AbortSignal): Promise<string | undefined>
  /** Tells the listener from the next listing on. Events are never complete; they only make things quick. */
  watch(listener: TreeListener): void
}
