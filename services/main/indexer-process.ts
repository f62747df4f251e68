/** `tidemark indexer`: the indexer in a process of its own, and its reconciliation beside it. */

import type { Logger } from 'pino'
import type { Metric } from '../../infra/http/metrics-text.ts'
import { openFileTree, RECORDING_INDEXES } from '../../infra/index.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import type { AlertSource } from '../alerts/alerter.ts'
import { recordingsDiffer } from '../alerts/sources.ts'
import type { ExitCode } from '../commands/context.ts'
import { type ReconcileContext, type ReconcileOptions, runReconcile } from '../commands/reconcile.ts'
import type { Output } from '../commands/table.ts'
import { codeOf, TidemarkError } from '../core/errors.ts'
import type { Settings } from '../core/settings.ts'
import { type IndexedRoot, Indexer } from '../indexer/indexer.ts'
import type { RecordingIndex } from '../ports/recording-index.ts'
import { engineSource, startAlerts } from './alerting.ts'
import { dataWatch } from './asked-to-end.ts'
import { placeOf } from './base.ts'
import { recordingsPath } from './data-paths.ts'
import { type EngineCheck, readiness } from './engine-checks.ts'
import { lockedDataDir } from './installation.ts'
import { alertMetrics, indexerMetrics } from './metric-samples.ts'
import { OpenedParts } from './opened-parts.ts'
import { type ServiceRun, sayWhere, serveOperations } from './service-process.ts'
import { openTerminal } from './terminal.ts'
import { assertSound } from './trusted-files.ts'

/** The indexer of a process, with what can be said of it. */
export interface OpenedIndexer {
  readonly indexer: Indexer
  readonly checks: readonly EngineCheck[]
  readonly sources: readonly AlertSource[]
  metrics(): readonly Metric[]
}

/** Finds from the first moment on, whether or not the index answers. */
export async function runIndexer({ settings, signal }: ServiceRun): Promise<ExitCode> {
  const terminal = openTerminal(settings)
  const data = dataWatch(terminal.logger)
  await using parts = new OpenedParts()
  if (settings.recordings === 'embedded') await lockedDataDir(settings, parts)
  const opened = await openIndexer(settings, terminal.logger, parts, data.failed)
  const { indexer, checks, sources } = opened
  await using alerts = startAlerts({ settings, logger: terminal.logger, service: 'indexer', sources })
  const operations = {
    service: 'indexer',
    ready: readiness(checks, { clock: systemClock }),
    metrics: () => [...opened.metrics(), ...alertMetrics(alerts.counts)],
  }
  await using server = await serveOperations(settings, operations)
  sayWhere(terminal, 'indexer', settings, server, '/ready')
  const end = AbortSignal.any([signal, data.signal])
  await indexer.run(end).catch((error: unknown) => {
    if (!data.signal.aborted) throw error
  })
  return data.code
}

/** Call under the lock of the data directory where the index is in there. */
async function openIndexer(
  settings: Settings,
  logger: Logger,
  parts: OpenedParts,
  failed: (error: unknown) => void,
): Promise<OpenedIndexer> {
  if (settings.recordings === 'embedded') await assertIndexSound(settings)
  const index = await openIndex(settings, logger, parts, failed)
  const roots = openRoots(settings, parts)
  const { recordingSuffix: dataSuffix, settleMs, listEveryMs, goneMax } = settings
  const hashBytesPerS = settings.recordingHash === 'on' ? settings.hashBytesPerS : undefined
  const indexer = new Indexer({
    ...{ roots, index, dataSuffix, settleMs, listEveryMs, goneMax, hashBytesPerS },
    logger: logger.child({ service: 'indexer' }),
    clock: systemClock,
    random: systemRandom,
  })
  return {
    indexer,
    checks: [indexCheck(index), ...roots.map(rootCheck)],
    sources: [
      engineSource([indexCheck(index)]),
      {
        rules: ['recordings-differ'],
        look: async () => [recordingsDiffer(indexer.status.roots, indexer.status.away !== null)],
      },
    ],
    metrics: () => indexerMetrics(indexer.status, indexer.hashed),
  }
}

export interface RunningIndexer extends OpenedIndexer, AsyncDisposable {}

/** Beside other services, under their lock; nothing where no roots are set. What it can't go on with is said, and costs the others nothing. */
export async function startIndexer(settings: Settings, logger: Logger): Promise<RunningIndexer | undefined> {
  if (settings.recordingRoots === undefined) return undefined
  const failed = (error: unknown): void => logger.error({ err: error }, 'the index of recordings can not be written')
  const parts = new OpenedParts()
  const opened = await openIndexer(settings, logger, parts, failed).catch(async (error: unknown) => {
    await parts[Symbol.asyncDispose]()
    logger.error({ err: error }, 'the indexer can not start: everything else does')
    return undefined
  })
  if (opened === undefined) return undefined
  const end = new AbortController()
  const ended: { readonly subject: string; readonly summary: string }[] = []
  const running = opened.indexer.run(end.signal).catch((error: unknown) => {
    if (end.signal.aborted) return
    logger.error({ err: error }, 'the indexer has ended: recordings are found after the next start')
    ended.push({ subject: 'indexer', summary: `it has ended: ${error instanceof Error ? error.message : error}` })
  })
  const isOver: AlertSource = {
    rules: ['store-away'],
    look: async () => [{ rule: 'store-away', conditions: ended }],
  }
  return {
    ...opened,
    sources: [...opened.sources, isOver],
    [Symbol.asyncDispose]: async () => {
      end.abort(new TidemarkError('closed', 'the process ends'))
      await running
      await parts[Symbol.asyncDispose]()
    },
  }
}

/** A running indexer is not disturbed: the embedded index can be read by several processes of one machine. */
export async function reconcileHere(
  settings: Settings,
  output: Output & Pick<ReconcileContext, 'signal' | 'terminal' | 'note'>,
  options: ReconcileOptions,
): Promise<ExitCode> {
  const { acceptGone } = options
  const ids = settings.recordingRoots?.map(({ root }) => root) ?? []
  if (acceptGone !== undefined && !ids.includes(acceptGone)) {
    throw new TidemarkError('usage-wrong', `no root '${acceptGone}'; expected one of ${ids.join(', ')}`)
  }
  const { logger } = openTerminal({ logLevel: 'warn' })
  await using parts = new OpenedParts()
  if (settings.recordings === 'embedded') await checkUnlessRunning(settings)
  const index = await openIndex(settings, logger, parts)
  const roots = openRoots(settings, parts)
  return await runReconcile(
    {
      ...{ ...output, settings, index, roots, clock: systemClock },
      out: (text) => output.out(text),
      note: (text) => output.note(text),
    },
    options,
  )
}

/** A file that another process writes meanwhile can't be judged from outside. */
async function checkUnlessRunning(settings: Settings): Promise<void> {
  await using parts = new OpenedParts()
  const isFree = await lockedDataDir(settings, parts).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) !== 'data-locked') throw error
      return false
    },
  )
  if (isFree) await assertIndexSound(settings)
}

function assertIndexSound({ dataDir }: Settings): Promise<void> {
  return assertSound([{ kind: 'recordings', path: recordingsPath(dataDir) }])
}

export async function openIndex(
  settings: Settings,
  logger: Logger,
  parts: OpenedParts,
  failed?: (error: unknown) => void,
): Promise<RecordingIndex> {
  return parts.keep(await RECORDING_INDEXES[settings.recordings](placeOf(settings, logger, parts, failed)))
}

function openRoots(settings: Settings, parts: OpenedParts): readonly IndexedRoot[] {
  return (settings.recordingRoots ?? []).map(({ root, path }) => ({
    root,
    path,
    tree: parts.keep(openFileTree(settings, path)),
  }))
}

function indexCheck(index: RecordingIndex): EngineCheck {
  return { engine: 'index of recordings', setting: 'RECORDINGS', ask: (signal) => index.probe(signal) }
}

function rootCheck({ root, tree }: IndexedRoot): EngineCheck {
  return { engine: `root ${root}`, setting: 'RECORDING_ROOTS', ask: () => tree.mark() }
}
