/** Which adapter stands for which name in the settings: one line an engine. Only what is named is opened. */

import type { Logger } from 'pino'
import type { Settings } from '../services/core/settings.ts'
import type { LedgerStore } from '../services/ports/ledger-store.ts'
import type { MessageLog } from '../services/ports/message-log.ts'
import type { ReadingStore } from '../services/ports/reading-store.ts'
import type { SchemaRegistry } from '../services/ports/schema-registry.ts'
import type { Kv } from './embedded/kv.ts'
import { embeddedLedgerStore } from './embedded/ledger-store.ts'
import { embeddedMessageLog } from './embedded/message-log.ts'
import { embeddedReadingStore } from './embedded/reading-store.ts'
import { embeddedSchemaRegistry } from './embedded/schema-registry.ts'
import { breathe, systemClock, systemRandom } from './system.ts'

export interface Place {
  readonly settings: Settings
  readonly logger: Logger
  /** Opens a file of the embedded engine below the data directory; it is closed after the adapter. */
  kv(file: string): Kv
}

export const MESSAGE_LOGS: Readonly<Record<Settings['messageLog'], (place: Place) => MessageLog>> = {
  embedded: ({ settings, logger, kv }) =>
    embeddedMessageLog({ kv: kv('log.mdb'), clock: systemClock, logger, maxBytes: settings.logKeepBytes, breathe }),
}

export const REGISTRIES: Readonly<Record<Settings['registry'], (place: Place) => SchemaRegistry>> = {
  embedded: ({ kv }) => embeddedSchemaRegistry(kv('registry.mdb')),
}

export const LEDGERS: Readonly<Record<Settings['ledger'], (place: Place) => LedgerStore>> = {
  embedded: ({ kv }) => embeddedLedgerStore(kv('ledger.mdb')),
}

export const READING_STORES: Readonly<Record<Settings['stores'][number], (place: Place) => ReadingStore>> = {
  embedded: ({ kv }) => embeddedReadingStore({ kv: kv('stores/embedded.mdb'), name: 'embedded', random: systemRandom }),
}
