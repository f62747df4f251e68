/** `tidemark gateway`, `recovery`, `sink`, `status` and `indexer`: each service in a process of its own, on engines that several processes reach. */

import { LEDGERS, READING_STORES } from '../../infra/index.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import type { ExitCode } from '../commands/context.ts'
import { proofOf } from '../commands/proof.ts'
import { invariant } from '../core/errors.ts'
import { engineSource, fleetSources, gatewaySource, startAlerts } from './alerting.ts'
import { aborted, dataWatch } from './asked-to-end.ts'
import { openBase, placeOf } from './base.ts'
import { foldAgainIfNew, recoveryOf, sinkOf } from './cloud-services.ts'
import {
  landingCheck,
  ledgerCheck,
  logCheck,
  readiness,
  registryCheck,
  sayWhatIsAway,
  storeCheck,
  topicsCheck,
} from './engine-checks.ts'
import { figuresOf, gatewayDoors, journalCheck } from './gateway-doors.ts'
import { HostedGateways } from './hosted-gateways.ts'
import { openIndex, runIndexer } from './indexer-process.ts'
import { lockedDataDir } from './installation.ts'
import { alertMetrics, gatewayMetrics, proofMetrics, recoveryMetrics, sinkMetrics } from './metric-samples.ts'
import { OpenedParts } from './opened-parts.ts'
import { recordingRows } from './page-sources.ts'
import { assertLogIsShared, type Service } from './service-needs.ts'
import { runGroupService, type ServiceRun, sayWhere, serveOperations, waitingWith } from './service-process.ts'
import { statusPage } from './status-page.ts'
import { openTerminal } from './terminal.ts'

/** Settings are such that the service can run: see `service-needs.ts`. */
export function runService(service: Service, run: ServiceRun, store?: string): Promise<ExitCode> {
  if (service === 'gateway') return runGateway(run)
  if (service === 'recovery') return runRecovery(run)
  if (service === 'status') return runStatus(run)
  if (service === 'indexer') return runIndexer(run)
  const name = run.settings.stores.find((each) => each === store)
  invariant(name !== undefined, 'a sink runs for one of the stores')
  return runSink(run, name)
}

function runRecovery(run: ServiceRun): Promise<ExitCode> {
  return runGroupService('recovery', run, async (base, place, parts) => {
    const ledger = parts.keep(await LEDGERS[run.settings.ledger](place))
    const recovery = recoveryOf(base, ledger)
    return {
      checks: [logCheck(base), registryCheck(base), ledgerCheck(ledger, base)],
      metrics: () => recoveryMetrics(recovery.counts),
      alerts: [engineSource([logCheck(base), registryCheck(base)])],
      prepare: [topicsCheck(base), { engine: 'message log', ask: () => foldAgainIfNew(base.messageLog, ledger) }],
      run: (signal) => recovery.run(signal),
    }
  })
}

function runSink(run: ServiceRun, name: (typeof run.settings.stores)[number]): Promise<ExitCode> {
  return runGroupService(`sink ${name}`, run, async (base, place, parts) => {
    const store = parts.keep(await READING_STORES[name](place))
    const sink = sinkOf(base, store)
    return {
      checks: [logCheck(base), registryCheck(base), storeCheck(store)],
      metrics: () => sinkMetrics([{ store: name, counts: sink.counts, health: sink.health }]),
      alerts: [engineSource([landingCheck(store, sink)])],
      prepare: [topicsCheck(base)],
      run: (signal) => sink.run(signal),
    }
  })
}

/** Captures from the first moment on, whether or not log and registry answer: its link may be away at any time. */
async function runGateway({ settings, signal }: ServiceRun): Promise<ExitCode> {
  const terminal = openTerminal(settings)
  const data = dataWatch(terminal.logger)
  await using parts = new OpenedParts()
  await lockedDataDir(settings, parts)
  const base = await openBase(placeOf(settings, terminal.logger, parts, data.failed), parts)
  await using gateways = new HostedGateways(base, data.failed)
  const hosted = await gateways.open(settings.gatewayId)
  invariant(hosted !== undefined, 'a gateway with a name is opened')
  const doors = gatewayDoors(base, async (id) =>
    id === undefined || id === settings.gatewayId ? hosted.door : undefined,
  )
  const sources = [gatewaySource(() => [figuresOf(hosted)], settings)]
  await using alerts = startAlerts({ settings, logger: terminal.logger, service: 'gateway', sources })
  const operations = {
    service: 'gateway',
    ready: readiness([journalCheck(hosted)], { clock: systemClock }),
    metrics: () => [...gatewayMetrics([figuresOf(hosted)]), ...alertMetrics(alerts.counts)],
  }
  await using server = await serveOperations(settings, operations, doors)
  sayWhere(terminal, `gateway ${settings.gatewayId}`, settings, server, '/readings')
  const end = AbortSignal.any([signal, data.signal])
  const saying = sayWhatIsAway([logCheck(base), registryCheck(base)], waitingWith(terminal.logger), end)
  await aborted(end)
  await saying
  return data.code
}

/** The page and the proof, from the ledger; log, registry and stores are opened when they are asked for, and only the answers that need them miss them. */
async function runStatus({ settings, signal }: ServiceRun): Promise<ExitCode> {
  const terminal = openTerminal(settings)
  await using parts = new OpenedParts()
  const place = placeOf(settings, terminal.logger, parts)
  const ledger = parts.keep(await LEDGERS[settings.ledger](place))
  const { app, status } = statusPage({
    settings,
    logger: terminal.logger,
    ledger,
    stores: settings.stores.map((name) => ({
      name,
      open: once(async () => parts.keep(await READING_STORES[name](place))),
    })),
    base: once(async () => {
      assertLogIsShared(settings)
      return openBase(place, parts)
    }),
    hosted: () => [],
    recordings: recordingRows(
      settings,
      once(async () => openIndex(settings, terminal.logger, parts)),
    ),
    pageToken: systemRandom.hex(24),
    signal,
  })
  const sources = [engineSource([ledgerCheck(ledger, { settings })]), ...fleetSources(status)]
  await using alerts = startAlerts({ settings, logger: terminal.logger, service: 'status', sources })
  const operations = {
    service: 'status',
    ready: readiness([ledgerCheck(ledger, { settings })], { clock: systemClock }),
    metrics: async () => [
      ...proofMetrics(await proofOf({ ledger, settings, clock: systemClock })),
      ...alertMetrics(alerts.counts),
    ],
  }
  await using server = await serveOperations(settings, operations, app)
  sayWhere(terminal, 'status', settings, server, '/')
  await aborted(signal)
  status.feed.close()
  return 0
}

/** Opened when first asked for, and tried again after a failure. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return () => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }
}
