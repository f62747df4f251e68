/** `tidemark alerts` with the machine put in: the files of the data directory, the channels of the settings. */

import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { readEpisodes } from '../../infra/files/episode-file.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import { RULES } from '../alerts/rules.ts'
import { type AlertsListOptions, type AlertsTestOptions, runAlertsList, runAlertsTest } from '../commands/alerts.ts'
import type { ExitCode } from '../commands/context.ts'
import type { Output } from '../commands/table.ts'
import { ALERT_RULES } from '../core/setting-declarations.ts'
import type { Settings } from '../core/settings.ts'
import type { Episode } from '../ports/episode-store.ts'
import { alertChannels } from './alerting.ts'
import { alertsDir, alertsPath } from './data-paths.ts'
import { openTerminal } from './terminal.ts'

export function alertsListHere(settings: Settings, output: Output, options: AlertsListOptions): Promise<ExitCode> {
  const rules = ALERT_RULES.map((rule) => ({
    rule,
    severity: RULES[rule].severity,
    meaning: RULES[rule].meaning,
    afterMs: RULES[rule].delayMs(settings),
    isOff: settings.alertsOff?.includes(rule) ?? false,
  }))
  return knownEpisodes(settings.dataDir).then((known) =>
    runAlertsList({ ...outputOf(output), rules, known, channels: channelsOf(settings) }, options),
  )
}

export function alertsTestHere(
  settings: Settings,
  output: Output & { readonly signal: AbortSignal },
  options: AlertsTestOptions,
): Promise<ExitCode> {
  const { signal } = output
  const installation = settings.alertName
  return runAlertsTest(
    {
      ...outputOf(output),
      channels: channelsOf(settings),
      installation,
      clock: systemClock,
      random: systemRandom,
      signal,
    },
    options,
  )
}

/** Of every process that keeps alerts in this data directory; a file is there whole, or as it was before. */
export async function knownEpisodes(
  dataDir: string,
): Promise<readonly { readonly service: string; readonly episodes: readonly Episode[] }[]> {
  const names = await readdir(alertsDir(dataDir)).catch(() => [])
  const services = names.flatMap((name) => (name.endsWith('.json') ? [basename(name, '.json')] : []))
  return await Promise.all(
    services.toSorted().map(async (service) => {
      const read = await readEpisodes(alertsPath(dataDir, service))
      return { service, episodes: read?.episodes ?? [] }
    }),
  )
}

function channelsOf(settings: Settings) {
  return alertChannels(settings, openTerminal({ logLevel: 'info' }).logger)
}

function outputOf(output: Output): Output {
  return { out: (text) => output.out(text), ...(output.columns === undefined ? {} : { columns: output.columns }) }
}
