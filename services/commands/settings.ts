/** `tidemark settings`: every setting with its value, where that came from, and the default. */

import { TidemarkError } from '../core/errors.ts'
import type { ParsedSettings, Settings } from '../core/settings.ts'
import type { ExitCode } from './context.ts'
import { type Output, printRows } from './table.ts'

export interface SettingsOptions {
  readonly json?: boolean | undefined
}

/** Secrets are masked. */
export async function runSettings(
  parsed: ParsedSettings,
  output: Output,
  { json }: SettingsOptions,
): Promise<ExitCode> {
  settingsOrThrow(parsed)
  const rows = parsed.ok ? parsed.rows.map((row) => ({ ...row })) : []
  await printRows(output, rows, { json, nothing: '' })
  return 0
}

/** Throws `settings-invalid` with everything that is wrong, a line each. */
export function settingsOrThrow(parsed: ParsedSettings): Settings {
  if (parsed.ok) return parsed.settings
  throw new TidemarkError('settings-invalid', parsed.faults.map((fault) => `\n  ${fault}`).join(''))
}
