/** Opens everything an installation consists of, from its settings, under the lock of its data directory. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type DataDirLock, lockDataDir } from '../../infra/embedded/data-dir.ts'
import { LEDGERS, READING_STORES } from '../../infra/index.ts'
import type { Settings } from '../core/settings.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import { type Base, openBase, placeOf } from './base.ts'
import { dataFiles } from './data-paths.ts'
import { OpenedParts } from './opened-parts.ts'
import { assertSound } from './trusted-files.ts'

export interface Installation extends Base, AsyncDisposable {
  readonly lock: DataDirLock
  readonly stores: ReadonlyMap<string, ReadingStore>
  readonly ledger: LedgerStore
}

/** Throws `data-locked` while another process holds the directory. `failed` is told when a file of it can't be written any more: the process should end. */
export async function openInstallation(
  settings: Settings,
  logger: Logger,
  failed: (error: unknown) => void = () => undefined,
): Promise<Installation> {
  const parts = new OpenedParts()
  try {
    const lock = await lockedDataDir(settings, parts)
    await mkdir(join(settings.dataDir, 'stores'), { recursive: true })
    await assertSound(dataFiles(settings.dataDir, settings.stores))
    const place = placeOf(settings, logger, parts, failed)
    const ledger = parts.keep(await LEDGERS[settings.ledger](place))
    const base = await openBase(place, parts)
    // Elsewhere the services do it, once the log answers.
    if (settings.messageLog === 'embedded') await base.messageLog.applyTopics()
    const stores = new Map<string, ReadingStore>()
    for (const name of settings.stores) stores.set(name, parts.keep(await READING_STORES[name](place)))
    return { ...base, lock, stores, ledger, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() }
  } catch (error) {
    await parts[Symbol.asyncDispose]()
    throw error
  }
}

/** The lock is released with the parts. */
export async function lockedDataDir({ dataDir }: Settings, parts: OpenedParts): Promise<DataDirLock> {
  const lock = await lockDataDir(dataDir)
  parts.keep({ [Symbol.asyncDispose]: () => lock.release() })
  return lock
}
