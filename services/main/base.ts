/** What every process with a service stands on, but the one that only reads the ledger. No engine is spoken to before it is needed. */

import { join } from 'node:path'
import type { Logger } from 'pino'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { loadMessageTypes } from '../../infra/embedded/message-types.ts'
import { MESSAGE_LOGS, openRegistry, type Place } from '../../infra/index.ts'
import type { WireCodec } from '../../schemas/codec.ts'
import type { MessageTypes } from '../../schemas/message-type.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import type { Settings } from '../core/settings.ts'
import type { MessageLog } from '../ports/message-log.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { OpenedParts } from './opened-parts.ts'
import { packageFile } from './package-files.ts'

export interface Base {
  readonly settings: Settings
  readonly logger: Logger
  readonly messageLog: MessageLog
  readonly registry: SchemaRegistry
  readonly types: MessageTypes
  readonly codec: WireCodec
}

/** Where adapters are opened. `failed` is told when a file of the data directory can't be written any more. */
export function placeOf(
  settings: Settings,
  logger: Logger,
  parts: OpenedParts,
  failed: (error: unknown) => void = () => undefined,
): Place {
  return {
    settings,
    logger,
    kv: (file) => parts.keep(openLmdbKv(join(settings.dataDir, file), { poisoned: failed })),
  }
}

export async function openBase(place: Place, parts: OpenedParts): Promise<Base> {
  const { settings, logger } = place
  const types = await loadMessageTypes(settings.typesDir ?? packageFile('schemas/types'))
  const messageLog = parts.keep(await MESSAGE_LOGS[settings.messageLog](place))
  const registry = parts.keep(await openRegistry(place))
  return { settings, logger, messageLog, registry, types, codec: await openWireCodec(registry, types) }
}
