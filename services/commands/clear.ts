/** `tidemark clear`: empties a trial installation. Everything it could delete by mistake has to be named first. */

import { TidemarkError } from '../core/errors.ts'
import { isLoopback, type Settings } from '../core/settings.ts'
import type { ExitCode } from './context.ts'

export interface ClearOptions {
  readonly yes?: boolean | undefined
  /** Must be the address of the settings where other machines can reach it. */
  readonly host?: string | undefined
}

export interface ClearTools {
  readonly settings: Settings
  /** Takes the lock (throws `data-locked` while a process runs), empties everything, and says what it emptied. */
  clear(settings: Settings): Promise<readonly string[]>
  out(text: string): Promise<void>
}

export async function runClear({ settings, clear, out }: ClearTools, options: ClearOptions): Promise<ExitCode> {
  const { dataDir, httpHost } = settings
  if (options.yes !== true) {
    throw new TidemarkError('usage-wrong', `expected --yes: it deletes every reading and all else under ${dataDir}`)
  }
  if (!isLoopback(httpHost) && options.host !== httpHost) {
    const came = options.host === undefined ? 'none came' : `came '${options.host}'`
    throw new TidemarkError(
      'usage-wrong',
      `expected --host ${httpHost}, because other machines use this installation; ${came}`,
    )
  }
  const elsewhere = enginesElsewhere(settings)
  if (elsewhere.length > 0) {
    throw new TidemarkError(
      'usage-wrong',
      `expected embedded engines alone, came ${elsewhere.join(', ')}: what those hold is emptied with their own tools, and a part of an installation without the rest proves nothing`,
    )
  }
  const emptied = await clear(settings)
  await out(
    emptied.length === 0 ? `nothing to clear under ${dataDir}\n` : emptied.map((what) => `cleared ${what}\n`).join(''),
  )
  return 0
}

function enginesElsewhere({ messageLog, stores, ledger, registry }: Settings): readonly string[] {
  const named = [`MESSAGE_LOG=${messageLog}`, `STORES=${stores.join(',')}`, `LEDGER=${ledger}`, `REGISTRY=${registry}`]
  return named.filter((each) => !each.endsWith('=embedded'))
}
