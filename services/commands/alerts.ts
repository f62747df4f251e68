/** `tidemark alerts`: what there is an alert for, who is told, what is open; and a try of every channel. */

import { codeOf, TidemarkError } from '../core/errors.ts'
import { formatDuration } from '../core/quantities.ts'
import type { AlertChannel, AlertMessage } from '../ports/alert-channel.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { Episode, Severity } from '../ports/episode-store.ts'
import type { ExitCode } from './context.ts'
import { type Output, printJson, tableText } from './table.ts'

export interface RuleRow {
  readonly rule: string
  readonly severity: Severity
  readonly meaning: string
  /** Milliseconds it has to be so. */
  readonly afterMs: number
  readonly isOff: boolean
}

/** An alert as the process that has seen it keeps it. */
export interface AlertLine {
  readonly service: string
  readonly rule: string
  readonly subject: string
  readonly summary: string
  readonly since: string
  readonly opened_at: string
  readonly ended_at: string | null
}

export interface AlertsContext extends Output {
  readonly rules: readonly RuleRow[]
  readonly channels: readonly Pick<AlertChannel, 'name' | 'target'>[]
  /** Open ones first. */
  readonly episodes: readonly AlertLine[]
}

export interface AlertsListOptions {
  readonly json?: boolean
}

export interface AlertsTestOptions {
  readonly channel?: string
}

export async function runAlertsList(context: AlertsContext, { json }: AlertsListOptions): Promise<ExitCode> {
  const episodes = context.episodes.map(({ service, rule, subject, summary, since, opened_at, ended_at }) => ({
    ...{ service, rule, subject, summary, since, opened_at, ended_at },
  }))
  const rules = context.rules.map(({ rule, severity, afterMs, isOff, meaning }) => ({
    rule,
    severity,
    after: isOff ? 'off' : afterMs === 0 ? 'at once' : formatDuration(afterMs),
    meaning,
  }))
  if (json === true) {
    await printJson(context, {
      episodes,
      rules,
      channels: context.channels.map(({ name, target }) => ({ name, target })),
    })
    return 0
  }
  const tables = [
    episodes.length === 0
      ? 'no alert is open, and none was within a day\n'
      : tableText(
          episodes.map(({ ended_at: over, ...each }) => ({ ...each, over: over ?? '' })),
          context.columns,
        ),
    tableText(rules, context.columns),
    tableText(
      context.channels.map(({ name, target }) => ({ channel: name, target })),
      context.columns,
    ),
  ]
  await context.out(tables.join('\n'))
  return 0
}

export interface AlertsTestContext extends Pick<Output, 'out'> {
  readonly channels: readonly AlertChannel[]
  readonly installation: string
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

/** 0 when every channel has taken both messages. */
export async function runAlertsTest(
  context: AlertsTestContext,
  { channel: only }: AlertsTestOptions,
): Promise<ExitCode> {
  const { channels, out } = context
  const chosen = channels.filter(({ name }) => only === undefined || name === only)
  if (chosen.length === 0) {
    const names = channels.map(({ name }) => name).join(', ')
    throw new TidemarkError('usage-wrong', `no channel '${only}' is set; expected one of ${names}`)
  }
  let code: ExitCode = 0
  for (const channel of chosen) {
    const failure = await tried(channel, context)
    if (failure !== undefined) code = 1
    await out(`${channel.name} (${channel.target}): ${failure ?? 'sent'}\n`)
  }
  return code
}

/** What went wrong, if anything did. */
async function tried(channel: AlertChannel, context: AlertsTestContext): Promise<string | undefined> {
  const { clock, random, installation, signal } = context
  const nowMs = clock.wallMs()
  const episode: Episode = {
    ...{ id: random.id(), rule: 'test', subject: 'nothing', summary: 'somebody tries whether alerts arrive' },
    ...{ sinceMs: nowMs, openedMs: nowMs, clearSinceMs: null, endedMs: null, sent: {} },
  }
  const message: AlertMessage = {
    ...{ event: 'opened', episodes: [episode], rule: 'test', severity: 'warning', isTest: true, installation },
    advice: 'Nothing is to be done.',
  }
  try {
    await channel.send(message, signal)
    await channel.send({ ...message, event: 'ended', episodes: [{ ...episode, endedMs: nowMs }] }, signal)
    return undefined
  } catch (error) {
    if (codeOf(error) === undefined || signal.aborted) throw error
    return error instanceof Error ? error.message : String(error)
  }
}
