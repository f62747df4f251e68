/** `tidemark up`: all services in one process on the embedded engines, the doors and the page in front. */

import { Hono } from 'hono'
import { commandChannel } from '../../infra/http/command-channel.ts'
import { operationsApp } from '../../infra/http/operations-app.ts'
import { serveHttp, type WebApp } from '../../infra/http/server.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import type { DataCommands } from '../commands/command-set.ts'
import type { CommandContext, ExitCode, RunningServices } from '../commands/context.ts'
import { runInside } from '../commands/data-access.ts'
import { proofOf } from '../commands/proof.ts'
import type { Settings } from '../core/settings.ts'
import type { HostedFacts } from '../status/gateway-rows.ts'
import type { Status } from '../status/status.ts'
import { type Alerts, engineSource, fleetSources, gatewaySource, startAlerts } from './alerting.ts'
import { aborted, dataWatch } from './asked-to-end.ts'
import { CloudServices, foldAgainIfNew } from './cloud-services.ts'
import { runDemo } from './demo.ts'
import {
  type EngineCheck,
  landingCheck,
  ledgerCheck,
  logCheck,
  readiness,
  registryCheck,
  storeCheck,
  topicsCheck,
  untilAnswered,
} from './engine-checks.ts'
import { figuresOf, gatewayDoors } from './gateway-doors.ts'
import { type HostedGateway, HostedGateways } from './hosted-gateways.ts'
import { type RunningIndexer, startIndexer } from './indexer-process.ts'
import { type Installation, openInstallation } from './installation.ts'
import { liveLines } from './live-lines.ts'
import {
  alertMetrics,
  type GatewayFigures,
  gatewayMetrics,
  proofMetrics,
  recoveryMetrics,
  sinkMetrics,
} from './metric-samples.ts'
import { recordingRow } from './page-sources.ts'
import { addressOf, waitingWith } from './service-process.ts'
import { type StatusParts, statusPage } from './status-page.ts'
import { openTerminal, type Terminal } from './terminal.ts'

export interface UpRun {
  readonly settings: Settings
  readonly demo: boolean
  readonly forMs?: number | undefined
  readonly data: DataCommands
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
}

const LINES_EVERY_MS = 1000
/** Who is told that it runs finds recovery and sinks at work, where their engines answer so soon. */
const ENGINES_SOON_MS = 3000

/** Resolves with 0 when it was asked to end, 1 when a journal or another file of the data failed. */
export async function runUp(run: UpRun): Promise<ExitCode> {
  const { settings } = run
  const terminal = openTerminal(settings)
  const data = dataWatch(terminal.logger)
  await using installation = await openInstallation(settings, terminal.logger, data.failed)
  /** Aborted with what recovery and sinks can never begin with. */
  const unfit = new AbortController()
  const signals = [
    run.signal,
    data.signal,
    unfit.signal,
    ...(run.forMs === undefined ? [] : [AbortSignal.timeout(run.forMs)]),
  ]
  const signal = AbortSignal.any(signals)
  const gateways = new HostedGateways(installation, data.failed)
  const waiting = waitingWith(terminal.logger)
  const cloud = new CloudServices(installation, (end) => untilAnswered(cloudNeeds(installation), waiting, end))
  cloud.prepared.catch((error: unknown) => unfit.abort(error))
  // Also when the start fails half-way: what they stand on is closed after them.
  await using _services = {
    [Symbol.asyncDispose]: async () => {
      await gateways[Symbol.asyncDispose]()
      await cloud.close()
    },
  }
  await using indexing = await startIndexer(settings, terminal.logger)
  await gateways.open(settings.gatewayId)
  await gateways.openKnown()
  const server = await serve({ installation, gateways, cloud, indexing }, run, signal)
  await Promise.race([cloud.prepared, systemClock.sleep(ENGINES_SOON_MS, signal)]).catch(() => undefined)
  if (!signal.aborted) sayWhereItRuns(terminal, settings, server.port, run.demo)
  const demo = run.demo ? runDemo(gateways, signal) : Promise.resolve()
  const lines = showLines(terminal, installation, gateways, signal)
  await aborted(signal)
  terminal.show([])
  await server.close(1500)
  await Promise.all([demo, lines])
  unfit.signal.throwIfAborted()
  return data.code
}

/** What recovery and sinks wait for; gateways capture meanwhile. */
function cloudNeeds(installation: Installation): readonly EngineCheck[] {
  const { ledger, messageLog } = installation
  return [
    logCheck(installation),
    registryCheck(installation),
    ledgerCheck(ledger, installation),
    topicsCheck(installation),
    { engine: 'message log', ask: () => foldAgainIfNew(messageLog, ledger) },
  ]
}

/** What runs in this process. */
interface Running {
  readonly installation: Installation
  readonly gateways: HostedGateways
  readonly cloud: CloudServices
  readonly indexing: RunningIndexer | undefined
}

async function serve(parts: Running, run: UpRun, signal: AbortSignal) {
  const { installation, gateways, cloud } = parts
  const { settings, lock } = installation
  const token = systemRandom.hex(24)
  const app = new Hono()
  const running: RunningServices = {
    links: () => gateways.links(),
    setLink: (gateway, cut, forMs) => gateways.setLink(gateway, cut, forMs),
    whilePaused: (store, work) => cloud.whilePaused(store, work),
  }
  const page = pageOf(parts, { pageToken: token, running, signal })
  app.route('/', page.app)
  app.route(
    '/',
    commandChannel({
      token,
      run: (request, output) => {
        const context: CommandContext = {
          ...installation,
          clock: systemClock,
          random: systemRandom,
          signal: AbortSignal.any([signal, output.signal]),
          running,
          out: (text) => output.out(text),
          note: (text) => output.note(text),
          terminal: request.terminal,
          ...(request.columns === undefined ? {} : { columns: request.columns }),
        }
        return runInside(context, run.data, request)
      },
    }),
  )
  app.route(
    '/',
    gatewayDoors(installation, async (id) => (await gateways.open(id ?? settings.gatewayId))?.door),
  )
  const alerts = alertsOf(parts, page.status)
  app.route('/', operationsOf(parts, alerts))
  const server = await serveHttp(app as unknown as WebApp, { host: settings.httpHost, port: settings.httpPort })
  await lock.publish({ port: server.port, token }).catch(async (error: unknown) => {
    await Promise.all([alerts[Symbol.asyncDispose](), server.close(0)])
    throw error
  })
  const close = async (graceMs: number): Promise<void> => {
    page.status.feed.close()
    await Promise.all([alerts[Symbol.asyncDispose](), server.close(graceMs)])
  }
  return { port: server.port, close }
}

function alertsOf({ installation, gateways, cloud, indexing }: Running, status: Status): Alerts {
  const { settings, logger, stores, ledger } = installation
  const landing = [...stores].flatMap(([name, store]) => {
    const sink = cloud.sinks.get(name)
    return sink === undefined ? [] : [landingCheck(store, sink)]
  })
  const engines = [logCheck(installation), registryCheck(installation), ledgerCheck(ledger, installation), ...landing]
  const figures = (): readonly GatewayFigures[] => gateways.all.map(figuresOf)
  const down = () => new Set(figures().flatMap(({ gateway, linkUp }) => (linkUp ? [] : [gateway])))
  const sources = [
    engineSource(engines),
    ...fleetSources(status, down),
    gatewaySource(figures, settings),
    ...(indexing?.sources ?? []),
  ]
  return startAlerts({ settings, logger, service: 'up', sources })
}

function operationsOf({ installation, gateways, cloud, indexing }: Running, alerts: Alerts) {
  const stores = [...installation.stores.values()].map(storeCheck)
  const checks = [
    logCheck(installation),
    registryCheck(installation),
    ledgerCheck(installation.ledger, installation),
    ...stores,
  ]
  return operationsApp({
    service: 'up',
    httpToken: installation.settings.httpToken,
    ready: readiness(checks, { clock: systemClock }),
    metrics: async () => [
      ...gatewayMetrics(gateways.all.map(figuresOf)),
      ...recoveryMetrics(cloud.recovery.counts),
      ...sinkMetrics([...cloud.sinks].map(([store, { counts, health }]) => ({ store, counts, health }))),
      // While the ledger is away, the others are told all the same.
      ...(await proofOf({ ...installation, clock: systemClock }).then(proofMetrics, () => [])),
      ...(indexing?.metrics() ?? []),
      ...alertMetrics(alerts.counts),
    ],
  })
}

function pageOf(
  { installation, gateways, indexing }: Running,
  here: Pick<StatusParts, 'pageToken' | 'running' | 'signal'>,
) {
  const { settings, logger, ledger, stores } = installation
  return statusPage({
    ...here,
    settings,
    logger,
    ledger,
    stores: [...stores.values()].map((store) => ({ name: store.name, open: async () => store })),
    base: async () => installation,
    hosted: () => gateways.all.map(factsOf),
    recordings: async () => (indexing?.indexer.status.roots ?? []).map(recordingRow),
  })
}

function factsOf({ id, link, journal }: HostedGateway): HostedFacts {
  const { readings, unconfirmed, bytes, maxBytes } = journal.usage()
  return { gateway: id, cut: link.isCut, journal: { readings, unconfirmed, bytes, max_bytes: maxBytes } }
}

function sayWhereItRuns(terminal: Terminal, settings: Settings, port: number, demo: boolean): void {
  const url = addressOf(settings, port)
  terminal.say(`tidemark runs: page ${url}, door ${url}/readings, data in ${settings.dataDir}`)
  if (demo)
    terminal.say(
      "two demo gateways measure every second; try 'npx tidemark link cut demo-1', then 'npx tidemark proof'",
    )
  terminal.say('Ctrl-C ends it; starting it again goes on where it was')
}

/** Each second, as long as somebody can see them. */
async function showLines(
  terminal: Terminal,
  installation: Installation,
  gateways: HostedGateways,
  signal: AbortSignal,
): Promise<void> {
  if (process.stdout.isTTY !== true) return
  while (!signal.aborted) {
    // Without the ledger the lines say what the journals know.
    const { gateways: verdicts } = await proofOf({ ...installation, clock: systemClock }).catch(() => ({
      gateways: [],
    }))
    if (!signal.aborted) terminal.show(liveLines(gateways.all, verdicts))
    await systemClock.sleep(LINES_EVERY_MS, signal).catch(() => undefined)
  }
}
