/** Opens everything an installation consists of, from its settings, under the lock of its data directory. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type DataDirLock, lockDataDir } from '../../infra/embedded/data-dir.ts'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { loadMessageTypes } from '../../infra/embedded/message-types.ts'
import { LEDGERS, MESSAGE_LOGS, openRegistry, type Place, READING_STORES } from '../../infra/index.ts'
import type { WireCodec } from '../../schemas/codec.ts'
import type { MessageTypes } from '../../schemas/message-type.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import type { Settings } from '../core/settings.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import type { MessageLog } from '../ports/message-log.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import { RECOVERY_GROUP, RECOVERY_TOPICS } from '../recovery/events.ts'
import { dataFiles } from './data-paths.ts'
import { packageFile } from './package-files.ts'
import { assertSound } from './trusted-files.ts'

export interface Installation extends AsyncDisposable {
  readonly settings: Settings
  readonly logger: Logger
  readonly lock: DataDirLock
  readonly messageLog: MessageLog
  readonly registry: SchemaRegistry
  readonly types: MessageTypes
  readonly codec: WireCodec
  readonly stores: ReadonlyMap<string, ReadingStore>
  readonly ledger: LedgerStore
}

/** Throws `data-locked` while another process holds the directory. `failed` is told when a file of it can't be written any more: the process should end. */
export async function openInstallation(
  settings: Settings,
  logger: Logger,
  failed: (error: unknown) => void = () => undefined,
): Promise<Installation> {
  const types = await loadMessageTypes(settings.typesDir ?? packageFile('schemas/types'))
  await mkdir(join(settings.dataDir, 'stores'), { recursive: true })
  const lock = await lockDataDir(settings.dataDir)
  const opened: AsyncDisposable[] = [{ [Symbol.asyncDispose]: () => lock.release() }]
  const keep = <T extends AsyncDisposable>(each: T): T => {
    opened.push(each)
    return each
  }
  const dispose = async (): Promise<void> => {
    for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]()
  }
  const place: Place = {
    settings,
    logger,
    kv: (file) => keep(openLmdbKv(join(settings.dataDir, file), { poisoned: failed })),
  }
  try {
    await assertSound(dataFiles(settings.dataDir, settings.stores))
    const ledger = keep(await LEDGERS[settings.ledger](place))
    const isLedgerNew = (await ledger.gateways()).length === 0
    const messageLog = keep(await MESSAGE_LOGS[settings.messageLog](place))
    await messageLog.applyTopics()
    // What was folded is gone with the ledger that it was folded into.
    if (isLedgerNew) await messageLog.reset(RECOVERY_GROUP, RECOVERY_TOPICS, 'earliest')
    const registry = keep(await openRegistry(place))
    const codec = await openWireCodec(registry, types)
    const stores = new Map<string, ReadingStore>()
    for (const name of settings.stores) stores.set(name, keep(await READING_STORES[name](place)))
    return {
      settings,
      logger,
      lock,
      messageLog,
      registry,
      types,
      codec,
      stores,
      ledger,
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}
