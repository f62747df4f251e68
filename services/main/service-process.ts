/** One service in a process of its own, as containers run it: health, readiness and figures beside it, and an orderly end. */

import { Hono } from 'hono'
import type { Logger } from 'pino'
import { type OperationsOptions, operationsApp } from '../../infra/http/operations-app.ts'
import { type HttpServer, serveHttp, type WebApp } from '../../infra/http/server.ts'
import type { Place } from '../../infra/index.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import type { AlertSource } from '../alerts/alerter.ts'
import type { ExitCode } from '../commands/context.ts'
import type { Settings } from '../core/settings.ts'
import { startAlerts } from './alerting.ts'
import { abortedAfter } from './asked-to-end.ts'
import { type Base, openBase, placeOf } from './base.ts'
import { type EngineCheck, readiness, untilAnswered, type Waiting } from './engine-checks.ts'
import { finishingLog } from './finishing-log.ts'
import { alertMetrics } from './metric-samples.ts'
import { OpenedParts } from './opened-parts.ts'
import { openTerminal, type Terminal } from './terminal.ts'

export interface ServiceRun {
  readonly settings: Settings
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
}

/** A service that reads the log as a member of a group. */
export interface GroupService {
  readonly checks: readonly EngineCheck[]
  readonly metrics: OperationsOptions['metrics']
  /** Of its alerts. */
  readonly alerts: readonly AlertSource[]
  /** What has to be done once the engines answer, in this order; tried as long as it takes. */
  readonly prepare: readonly EngineCheck[]
  /** Begins when the engines answer; ends by itself when the log hands out nothing more, or with the signal. */
  run(signal: AbortSignal): Promise<void>
}

/** A batch in hand gets so long to be landed and committed; what is cut off then comes again. */
const FINISH_MS = 4_000
const ANSWERS_MS = 1_500

/** `open` speaks to no engine yet. Resolves with 0 when it was asked to end. */
export async function runGroupService(
  title: string,
  { settings, signal }: ServiceRun,
  open: (base: Base, place: Place, parts: OpenedParts) => Promise<GroupService>,
): Promise<ExitCode> {
  const terminal = openTerminal(settings)
  await using parts = new OpenedParts()
  const place = placeOf(settings, terminal.logger, parts)
  const base = await openBase(place, parts)
  const service = await open({ ...base, messageLog: finishingLog(base.messageLog, signal) }, place, parts)
  await using alerts = startAlerts({ settings, logger: base.logger, service: title, sources: service.alerts })
  await using server = await serveOperations(settings, {
    service: title,
    ready: readiness(service.checks, { clock: systemClock }),
    metrics: async () => [...(await service.metrics()), ...alertMetrics(alerts.counts)],
  })
  sayWhere(terminal, title, settings, server, '/ready')
  await untilAnswered([...service.checks, ...service.prepare], waitingWith(terminal.logger), signal).catch(
    (error: unknown) => {
      if (!signal.aborted) throw error
    },
  )
  if (!signal.aborted) await service.run(abortedAfter(signal, FINISH_MS))
  return 0
}

/** Health, readiness and figures, behind the `apps` that are given. */
export async function serveOperations(
  settings: Settings,
  operations: Omit<OperationsOptions, 'httpToken'>,
  ...apps: readonly WebApp[]
): Promise<HttpServer & AsyncDisposable> {
  const app = new Hono()
  for (const each of [...apps, operationsApp({ ...operations, httpToken: settings.httpToken })]) {
    app.route('/', each as unknown as Hono)
  }
  const server = await serveHttp(app as unknown as WebApp, { host: settings.httpHost, port: settings.httpPort })
  return { ...server, [Symbol.asyncDispose]: () => server.close(ANSWERS_MS) }
}

export function waitingWith(logger: Logger): Waiting {
  return { clock: systemClock, random: systemRandom, logger }
}

export function sayWhere(
  terminal: Terminal,
  title: string,
  settings: Settings,
  { port }: HttpServer,
  path: string,
): void {
  terminal.say(`tidemark ${title} runs: ${addressOf(settings, port)}${path}`)
}

export function addressOf({ httpHost }: Settings, port: number): string {
  return `http://${httpHost.includes(':') ? `[${httpHost}]` : httpHost}:${port}`
}
