/** `tidemark mirror` and `mirror verify` with the machine put in: both ends over HTTP, a lock for each target, figures and alerts beside it. */

import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { lockDataDir } from '../../infra/embedded/data-dir.ts'
import { saveStatus } from '../../infra/files/status-file.ts'
import { openMirrorEnd } from '../../infra/index.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import { mirrorSightings } from '../alerts/sources.ts'
import type { ExitCode } from '../commands/context.ts'
import {
  type MirrorOptions,
  type MirrorVerifyContext,
  type MirrorVerifyOptions,
  runMirrorVerify,
  sayMirrored,
} from '../commands/mirror.ts'
import { progressBar } from '../commands/progress-bar.ts'
import { codeOf, TidemarkError } from '../core/errors.ts'
import type { MirrorStatus } from '../core/mirror-status.ts'
import { FIRST_NANOS, nanosOf } from '../core/mirror-windows.ts'
import type { Settings } from '../core/settings.ts'
import { ActionLog } from '../mirror/action-log.ts'
import { Mirror } from '../mirror/mirror.ts'
import { verifyBucket } from '../mirror/verify.ts'
import { startAlerts } from './alerting.ts'
import { abortedAfter } from './asked-to-end.ts'
import { mirrorPath } from './data-paths.ts'
import type { Machine } from './local-commands.ts'
import { alertMetrics, mirrorMetrics } from './metric-samples.ts'
import { OpenedParts } from './opened-parts.ts'
import { sayWhere, serveOperations } from './service-process.ts'
import { openTerminal } from './terminal.ts'

/** What is being written gets so long to be answered. */
const FINISH_MS = 3_500
const SHOW_MS = 500
const SAVE_MS = 2_000

/** Settings are such that it can run: see `service-needs.ts`. */
export async function runMirror(settings: Settings, machine: Machine, options: MirrorOptions): Promise<ExitCode> {
  const { once = false, swap = false, deep = false, delete: deletes = false } = options
  assertConfirmed(settings, options)
  const terminal = openTerminal(once && machine.terminal ? { logLevel: 'warn' } : settings)
  const logger = terminal.logger.child({ service: 'mirror' })
  await using parts = new OpenedParts()
  const { source, target, local } = openEnds(settings, parts, swap)
  await lockTarget(settings, parts, swap)
  const io = abortedAfter(machine.signal, FINISH_MS)
  const actions = new ActionLog({
    end: local,
    bucket: settings.mirrorLogBucket,
    clock: systemClock,
    logger,
    signal: io,
  })
  const logs = !(settings.mirrorBuckets ?? []).includes(settings.mirrorLogBucket)
  const mirror = new Mirror({
    ...{ source, target, logger, clock: systemClock, random: systemRandom },
    buckets: settings.mirrorBuckets ?? [],
    everyMs: settings.mirrorEveryMs,
    passEveryMs: settings.mirrorPassEveryMs,
    sinceNanos: sinceOf(settings),
    horizonMs: settings.mirrorHorizonMs,
    createBuckets: settings.mirrorCreateBuckets === 'on',
    deep: deep || settings.mirrorDeep === 'on',
    deletes,
    told: (change) => {
      if (logs) actions.tell(change)
    },
  })
  await using saving = savedEvery(settings, () => mirror.status, logger)
  if (once) {
    await runOnce(mirror, machine, io)
    await actions.settled()
    machine.signal.throwIfAborted()
    await saving.save()
    return await sayMirrored({ out: (text) => machine.out(text) }, mirror.status.buckets)
  }
  const [fromMs, everyMs] = [systemClock.wallMs(), settings.mirrorEveryMs]
  const look = async () => mirrorSightings(mirror.status, { fromMs, nowMs: systemClock.wallMs(), everyMs })
  const sources = [{ rules: ['mirror-lags', 'mirror-differs'] as const, look }]
  await using alerts = startAlerts({ settings, logger: terminal.logger, service: 'mirror', sources })
  await using server = await serveOperations(settings, {
    service: 'mirror',
    ready: async () =>
      mirror.status.ends.map(({ end, away }) => ({ engine: end, ready: away === null, reason: away?.reason ?? '' })),
    metrics: () => [...mirrorMetrics(mirror.status), ...alertMetrics(alerts.counts)],
  })
  sayWhere(terminal, 'mirror', settings, server, '/ready')
  await mirror.run(machine.signal, { io })
  await actions.settled()
  return 0
}

function assertConfirmed(
  { mirrorSourceUrl, mirrorTargetUrl }: Settings,
  { once = false, swap = false, yes = false, delete: deletes = false }: MirrorOptions,
): void {
  const [from, to] = swap ? [mirrorTargetUrl, mirrorSourceUrl] : [mirrorSourceUrl, mirrorTargetUrl]
  if (deletes && !once) throw new TidemarkError('usage-wrong', '--delete is done once: add --once')
  if (yes || !(swap || deletes)) return
  const what = deletes ? `--delete takes out of ${to} what ${from} has not` : `--swap writes to the source, ${to}`
  throw new TidemarkError('usage-wrong', `${what}: confirm it with --yes`)
}

/** It may run beside a mirror of the same target. */
export async function verifyMirror(
  settings: Settings,
  machine: Machine,
  options: MirrorVerifyOptions,
): Promise<ExitCode> {
  await using parts = new OpenedParts()
  const { source, target } = openEnds(settings, parts, false)
  const buckets = settings.mirrorBuckets ?? []
  const ends = { source, target, sinceNanos: sinceOf(settings), clock: systemClock, random: systemRandom }
  const verify: MirrorVerifyContext['verify'] = (bucket, deep, progress) =>
    verifyBucket({ ...ends, bucket, deep, progress }, machine.signal)
  const { terminal, columns } = machine
  return await runMirrorVerify(
    {
      ...{ buckets, verify, clock: systemClock, terminal, ...(columns === undefined ? {} : { columns }) },
      out: (text) => machine.out(text),
      note: (text) => machine.note(text),
    },
    options,
  )
}

async function runOnce(mirror: Mirror, machine: Machine, io: AbortSignal): Promise<void> {
  const bar = progressBar({ ...machine, clock: systemClock, note: (text) => machine.note(text) }, 'mirror', {
    unit: 'points',
  })
  const showing = setInterval(() => {
    const { buckets } = mirror.status
    const [written, compared, left] = (['written', 'compared', 'left'] as const).map((key) =>
      buckets.reduce((sum, each) => sum + each[key], 0),
    ) as [number, number, number]
    const said = `${written} written, ${compared} compared, ${left} left`
    bar.show(written, left === 0 ? undefined : written / (written + left), said)
  }, SHOW_MS)
  try {
    await mirror.run(machine.signal, { once: true, io })
  } finally {
    clearInterval(showing)
    bar.clear()
  }
}

/** `local` is the target of the settings, whichever way is copied. */
function openEnds(settings: Settings, parts: OpenedParts, swap: boolean) {
  const remote = parts.keep(openMirrorEnd(settings, 'MIRROR_SOURCE', swap ? 'target' : 'source'))
  const local = parts.keep(openMirrorEnd(settings, 'MIRROR_TARGET', swap ? 'source' : 'target'))
  return swap ? { source: local, target: remote, local } : { source: remote, target: local, local }
}

/** One mirror of this machine writes to a target at a time; one that died holds nothing. */
async function lockTarget(settings: Settings, parts: OpenedParts, swap: boolean): Promise<void> {
  const [url = '', org = ''] = swap
    ? [settings.mirrorSourceUrl, settings.mirrorSourceOrg]
    : [settings.mirrorTargetUrl, settings.mirrorTargetOrg]
  const { href } = new URL(url)
  const name = createHash('sha256').update(`${href} ${org}`).digest('hex').slice(0, 16)
  try {
    const lock = await lockDataDir(join(tmpdir(), `tidemark-mirror-${name}`))
    parts.keep({ [Symbol.asyncDispose]: () => lock.release() })
  } catch (error) {
    if (!(error instanceof TidemarkError) || codeOf(error) !== 'data-locked') throw error
    throw new TidemarkError('mirror-locked', `process ${error.facts.pid} mirrors to ${url} already`)
  }
}

function sinceOf({ mirrorSinceMs }: Settings): bigint {
  return mirrorSinceMs === undefined ? FIRST_NANOS : nanosOf(mirrorSinceMs)
}

interface Saving extends AsyncDisposable {
  save(): Promise<void>
}

/** For the page of another process, and for who asks after this one has ended. */
function savedEvery({ dataDir }: Settings, status: () => MirrorStatus, logger: Logger): Saving {
  const path = mirrorPath(dataDir)
  let saved = Promise.resolve()
  const save = (): Promise<void> => {
    saved = saved.then(async () => {
      await saveStatus(path, { ...status(), savedMs: systemClock.wallMs() }).catch((error: unknown) => {
        logger.debug({ err: error, path }, 'how the mirror stands could not be written')
      })
    })
    return saved
  }
  const saving = setInterval(() => void save(), SAVE_MS)
  return {
    save,
    [Symbol.asyncDispose]: async () => {
      clearInterval(saving)
      await save()
    },
  }
}
