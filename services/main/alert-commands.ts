/** `tidemark alerts` with the machine put in: the files of the data directory, the channels of the settings. */

import { systemClock, systemRandom } from '../../infra/system.ts'
import { RULES } from '../alerts/rules.ts'
import { type AlertsListOptions, type AlertsTestOptions, runAlertsList, runAlertsTest } from '../commands/alerts.ts'
import type { ExitCode } from '../commands/context.ts'
import type { Output } from '../commands/table.ts'
import { ALERT_RULES } from '../core/setting-declarations.ts'
import type { Settings } from '../core/settings.ts'
import { alertChannels } from './alerting.ts'
import { alertRows } from './page-sources.ts'
import { openTerminal } from './terminal.ts'

export async function alertsListHere(
  settings: Settings,
  output: Output,
  options: AlertsListOptions,
): Promise<ExitCode> {
  const rules = ALERT_RULES.map((rule) => ({
    rule,
    severity: RULES[rule].severity,
    meaning: RULES[rule].meaning,
    afterMs: RULES[rule].delayMs(settings),
    isOff: settings.alertsOff?.includes(rule) ?? false,
  }))
  const episodes = await alertRows(settings.dataDir)
  return runAlertsList({ ...outputOf(output), rules, episodes, channels: channelsOf(settings) }, options)
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

function channelsOf(settings: Settings) {
  return alertChannels(settings, openTerminal({ logLevel: 'info' }).logger)
}

function outputOf(output: Output): Output {
  return { out: (text) => output.out(text), ...(output.columns === undefined ? {} : { columns: output.columns }) }
}
