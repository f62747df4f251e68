/** What a command gets handed in: opened adapters, settings and where to write. Commands never open anything themselves. */

import type { Logger } from 'pino'
import type { WireCodec } from '../../schemas/codec.ts'
import type { MessageTypes } from '../../schemas/message-type.ts'
import type { GatewayId } from '../../schemas/reading.ts'
import type { Settings } from '../core/settings.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import type { MessageLog } from '../ports/message-log.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'

/** What only the process that runs the services can do. Absent when a command opened the data itself. */
export interface RunningServices {
  /** Throws `usage-wrong` when this process does not host the gateway. `forMs` restores it after that time. */
  setLink(gateway: GatewayId, cut: boolean, forMs?: number): void
  links(): readonly { readonly gateway: GatewayId; readonly cut: boolean }[]
  /** Stops the sink of a store, runs `work`, and starts it again. */
  whilePaused<T>(store: string, work: () => Promise<T>): Promise<T>
}

export interface CommandContext {
  readonly settings: Settings
  readonly messageLog: MessageLog
  readonly codec: WireCodec
  readonly registry: SchemaRegistry
  readonly types: MessageTypes
  readonly stores: ReadonlyMap<string, ReadingStore>
  readonly ledger: LedgerStore
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly running?: RunningServices
  /** Standard output. Resolves when the reader has room for more. */
  out(text: string): Promise<void>
  /** Standard error: progress and remarks. */
  note(text: string): void
  /** Progress may be drawn: standard error is a terminal. */
  readonly terminal: boolean
  /** Width of the terminal that standard output is; absent where it is none: tables then are not wrapped. */
  readonly columns?: number
}

/** 0 done, complete, equal · 1 failed, open or differs · 2 wrong usage · 3 closed with exceptions. */
export type ExitCode = 0 | 1 | 2 | 3
