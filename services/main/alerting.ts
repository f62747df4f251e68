/** Alerts of a process: its channels, its file, its sources, beside its work. */

import type { Logger } from 'pino'
import { logChannel } from '../../infra/alerts/log.ts'
import { mailChannel } from '../../infra/alerts/mail.ts'
import { pagerdutyChannel } from '../../infra/alerts/pagerduty.ts'
import { slackChannel } from '../../infra/alerts/slack.ts'
import { webhookChannel } from '../../infra/alerts/webhook.ts'
import { episodeFile } from '../../infra/files/episode-file.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import { type AlertCounts, Alerter, type AlertSource } from '../alerts/alerter.ts'
import type { Sighting } from '../alerts/episodes.ts'
import { enginesAway, fleetSightings, JournalWatch, linksDown, quarantined } from '../alerts/sources.ts'
import { TidemarkError } from '../core/errors.ts'
import type { Settings } from '../core/settings.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'
import type { Status } from '../status/status.ts'
import { alertsPath } from './data-paths.ts'
import { type EngineCheck, readiness } from './engine-checks.ts'
import type { GatewayFigures } from './metric-samples.ts'

const REST_TIMES = 50

export interface Alerts extends AsyncDisposable {
  readonly counts: AlertCounts
}

interface AlertingOptions {
  readonly settings: Settings
  readonly logger: Logger
  readonly service: string
  readonly sources: readonly AlertSource[]
}

/** Disposing ends it; what is being sent is cut off, and sent after the next start. */
export function startAlerts({ settings, logger, service, sources }: AlertingOptions): Alerts {
  const path = alertsPath(settings.dataDir, service)
  const store = episodeFile(path, (reason) =>
    logger.warn({ path, reason }, 'what was known of alerts can not be read; it stands beside as .broken'),
  )
  const alerter = new Alerter({
    ...{ store, sources, logger, clock: systemClock, random: systemRandom },
    settings: { ...settings, alertsOff: settings.alertsOff ?? [] },
    channels: alertChannels(settings, logger),
  })
  const end = new AbortController()
  const running = alerter.run(end.signal).catch((error: unknown) => {
    logger.error({ err: error }, 'alerts have ended: nobody is told of anything until the next start')
  })
  return {
    get counts() {
      return alerter.counts
    },
    [Symbol.asyncDispose]: async () => {
      end.abort(new TidemarkError('closed', 'the process ends'))
      await running
    },
  }
}

/** Those that are set, and the log. */
export function alertChannels(settings: Settings, logger: Logger): readonly AlertChannel[] {
  const { alertSlackUrl, alertPagerdutyKey, alertPagerdutyUrl, alertSmtpUrl, alertWebhookUrl } = settings
  const { alertMailFrom: from, alertMailTo: to } = settings
  const mail = alertSmtpUrl === undefined || from === undefined || to === undefined
  return [
    logChannel(logger),
    ...(alertSlackUrl === undefined ? [] : [slackChannel(alertSlackUrl)]),
    ...(alertPagerdutyKey === undefined
      ? []
      : [pagerdutyChannel({ url: alertPagerdutyUrl, routingKey: alertPagerdutyKey })]),
    ...(mail ? [] : [mailChannel({ url: alertSmtpUrl, from, to })]),
    ...(alertWebhookUrl === undefined ? [] : [webhookChannel(alertWebhookUrl)]),
  ]
}

export function engineSource(checks: readonly EngineCheck[]): AlertSource {
  const ask = readiness(checks, { clock: systemClock })
  return { rules: ['store-away'], look: async () => [enginesAway(await ask())] }
}

/** What the ledger and the quarantine say. `down` are gateways of this process without a link. */
export function fleetSources(
  status: Status,
  down: () => ReadonlySet<string> = () => new Set(),
): readonly AlertSource[] {
  const fromMs = systemClock.wallMs()
  return [
    {
      rules: ['gateway-silent', 'gap-open', 'conflict', 'void-or-lost'],
      look: async () => fleetSightings(await status.verdicts(), { fromMs, down: down() }),
    },
    { rules: ['quarantine-not-empty'], look: rested(async () => [await quarantineSighting(status)]) },
  ]
}

async function quarantineSighting(status: Status): Promise<Sighting> {
  const { open, by_code } = await status.quarantine(1)
  return quarantined(open, by_code)
}

/** A look that takes long, as at a quarantine that grows and grows, is made so much more seldom; meanwhile it can't tell. */
function rested(look: AlertSource['look']): AlertSource['look'] {
  let againMs = 0
  return async (signal) => {
    const fromMs = systemClock.monotonicMs()
    if (fromMs < againMs) return []
    const found = await look(signal)
    againMs = fromMs + REST_TIMES * (systemClock.monotonicMs() - fromMs)
    return found
  }
}

/** What gateways of this process know of themselves. */
export function gatewaySource(figures: () => readonly GatewayFigures[], settings: Settings): AlertSource {
  const journals = new JournalWatch()
  const withinMs = settings.alertJournalFullWithinMs
  return {
    rules: ['link-down', 'journal-filling'],
    look: async () => [
      linksDown(figures()),
      journals.sighting(figures(), { nowMs: systemClock.monotonicMs(), withinMs }),
    ],
  }
}
