/** The page of a process: of `up`, which has everything open, or of `status`, which opens log, registry and stores when they are first asked for. */

import type { Logger } from 'pino'
import { statusApp } from '../../infra/http/status-app.ts'
import { breathe, systemClock, systemRandom } from '../../infra/system.ts'
import type { RunningServices } from '../commands/context.ts'
import { proofOf } from '../commands/proof.ts'
import { openEntries } from '../commands/quarantine-entries.ts'
import type { Settings } from '../core/settings.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import type { HostedFacts } from '../status/gateway-rows.ts'
import type { RecordingRootRow } from '../status/page-api.ts'
import type { PlotStore } from '../status/plot.ts'
import { Status } from '../status/status.ts'
import type { Base } from './base.ts'
import { runPageAction } from './page-actions.ts'
import { alertRows, mirrorRows } from './page-sources.ts'

export interface StatusParts {
  readonly settings: Settings
  readonly logger: Logger
  readonly ledger: LedgerStore
  /** The required ones. */
  readonly stores: readonly PlotStore[]
  /** Throws where this process has no log and registry. */
  base(): Promise<Base>
  hosted(): readonly HostedFacts[]
  /** Of the roots that are set. */
  recordings(): Promise<readonly RecordingRootRow[]>
  readonly running?: RunningServices
  readonly pageToken: string
  /** Aborted when the process ends. */
  readonly signal: AbortSignal
}

/** Close the status before the server: it ends those who listen. */
export function statusPage(parts: StatusParts) {
  const { settings, ledger, signal, base, hosted, pageToken } = parts
  const logger = parts.logger.child({ service: 'status' })
  const status = new Status({
    settings,
    ledger,
    clock: systemClock,
    breathe,
    hosted,
    stores: parts.stores,
    recordings: parts.recordings,
    alerts: () => alertRows(settings.dataDir),
    mirror: () => mirrorRows(settings.dataDir, systemClock.wallMs()),
    signal,
    log: async () => (await base()).messageLog,
    quarantined: async function* () {
      const { messageLog, codec } = await base()
      const note = (text: string): void => logger.debug({ note: text.trim() }, 'the quarantine was read')
      for await (const { entry } of openEntries({ messageLog, codec, signal, note })) yield entry
    },
  })
  const app = statusApp({
    httpToken: settings.httpToken,
    pageToken,
    status,
    proof: (gateway) => proofOf({ ledger, settings, clock: systemClock }, gateway),
    act: async (action) => {
      const stores = await openedStores(parts.stores)
      const common = { clock: systemClock, random: systemRandom, logger, signal, ledger, stores }
      const running = parts.running === undefined ? {} : { running: parts.running }
      const done = await runPageAction({ ...(await base()), ...common, ...running }, action)
      logger.info({ action: action.kind, ok: done.ok }, 'somebody acted on the page')
      status.acted()
      return done
    },
  })
  return { app, status }
}

/** Those that can be opened by what is set. */
async function openedStores(stores: readonly PlotStore[]): Promise<ReadonlyMap<string, ReadingStore>> {
  const opened = await Promise.all(
    stores.map(({ name, open }) =>
      open().then(
        (store) => [[name, store] as const],
        () => [],
      ),
    ),
  )
  return new Map(opened.flat())
}
