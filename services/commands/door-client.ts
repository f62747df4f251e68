/** What the commands that send readings get handed in: the far side of a gateway's door, files, a clock. */

import type { Clock, Random } from '../ports/clock.ts'

export interface DoorPost {
  /** `/readings`, `/api/v2/write` … */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly contentType: string
  readonly body: string
}

export interface DoorReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface DoorClient extends AsyncDisposable {
  readonly url: string
  /** Any status is a reply. Throws `door-unavailable` when there is none, the signal's reason when aborted. */
  post(request: DoorPost, signal: AbortSignal): Promise<DoorReply>
  get(path: string, signal: AbortSignal): Promise<DoorReply>
}

export interface InputFile extends AsyncDisposable {
  readonly path: string
  /** Of the file as it lies on disk; undefined where that can't be known. */
  readonly sizeBytes: number | undefined
  /** How much of `sizeBytes` has been read. */
  readBytes(): number
  /** Decompressed where the content is gzip. Throws `usage-wrong` for a broken file. */
  readonly content: AsyncIterable<Uint8Array>
}

export interface SendContext {
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  /** Standard output. Resolves when the reader has room for more. */
  out(text: string): Promise<void>
  /** Standard error, as it is: a line feed is the caller's. */
  note(text: string): void
  /** Progress may be drawn: standard error is a terminal. */
  readonly terminal: boolean
  /** Width of the terminal that standard output is. */
  readonly columns?: number
  openDoor(url: string, token?: string): DoorClient
  /** Throws `usage-wrong` when it can't be read. */
  openFile(path: string): Promise<InputFile>
}
