/** Opens everything an installation consists of, from its settings, under the lock of its data directory. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type DataDirLock, lockDataDir } from '../../infra/embedded/data-dir.ts'
import type { Kv } from '../../infra/embedded/kv.ts'
import { embeddedLedgerStore } from '../../infra/embedded/ledger-store.ts'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { embeddedMessageLog } from '../../infra/embedded/message-log.ts'
import { loadMessageTypes } from '../../infra/embedded/message-types.ts'
import { embeddedReadingStore } from '../../infra/embedded/reading-store.ts'
import { embeddedSchemaRegistry } from '../../infra/embedded/schema-registry.ts'
import { breathe, systemClock, systemRandom } from '../../infra/system.ts'
import type { WireCodec } from '../../schemas/codec.ts'
import type { MessageTypes } from '../../schemas/message-type.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import type { Settings } from '../core/settings.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import type { MessageLog } from '../ports/message-log.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import { packageFile } from './package-files.ts'

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

/** Where the embedded engines keep what: one file each, so that one can be wiped without the others. */
export function dataPaths(dataDir: string) {
  return {
    log: join(dataDir, 'log.mdb'),
    registry: join(dataDir, 'registry.mdb'),
    ledger: join(dataDir, 'ledger.mdb'),
    store: (name: string): string => join(dataDir, 'stores', `${name}.mdb`),
    gateways: join(dataDir, 'gateways'),
    journal: (gateway: string): string => join(dataDir, 'gateways', gateway, 'journal.mdb'),
    links: join(dataDir, 'links.json'),
  }
}

/** Throws `data-locked` while another process holds the directory. */
export async function openInstallation(settings: Settings, logger: Logger): Promise<Installation> {
  const types = await loadMessageTypes(settings.typesDir ?? packageFile('schemas/types'))
  await mkdir(join(settings.dataDir, 'stores'), { recursive: true })
  const lock = await lockDataDir(settings.dataDir)
  const opened: AsyncDisposable[] = [{ [Symbol.asyncDispose]: () => lock.release() }]
  const open = (path: string): Kv => {
    const kv = openLmdbKv(path)
    opened.push(kv)
    return kv
  }
  const dispose = async (): Promise<void> => {
    for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]()
  }
  try {
    const paths = dataPaths(settings.dataDir)
    const messageLog = embeddedMessageLog({
      kv: open(paths.log),
      clock: systemClock,
      logger,
      maxBytes: settings.logKeepBytes,
      breathe,
    })
    opened.push(messageLog)
    await messageLog.applyTopics()
    const registry = embeddedSchemaRegistry(open(paths.registry))
    const codec = await openWireCodec(registry, types)
    const ledger = embeddedLedgerStore(open(paths.ledger))
    const stores = new Map<string, ReadingStore>()
    for (const name of settings.stores) {
      stores.set(name, embeddedReadingStore({ kv: open(paths.store(name)), name, random: systemRandom }))
    }
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
