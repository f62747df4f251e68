/** A large fleet in ledgers on disk, behind the server of the page as `tidemark status` runs it. */

import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { embeddedLedgerStore } from '../../infra/embedded/ledger-store.ts'
import { serveHttp, type WebApp } from '../../infra/http/server.ts'
import { systemClock } from '../../infra/system.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { parseSettings } from '../../services/core/settings.ts'
import { statusPage } from '../../services/main/status-page.ts'
import { hear, outage, type Story } from '../services/status/small-fleet.ts'
import { lmdbUnderTest } from '../support/lmdb-under-test.ts'

export interface LedgerFleet {
  readonly url: string
  /** So many gateways, from the first on, have accepted so many readings now. */
  change(count: number, accepted: number): Promise<void>
}

const AT_ONCE = 500
/** Every gateway's mark stays young. */
const SETTINGS = { TIDEMARK_HEARTBEAT: '1h', TIDEMARK_STORES: 'embedded' }

/** Gateways are `field-00001` and so on; the last one has the outages. */
export async function ledgerFleet({
  gateways,
  outages,
}: {
  readonly gateways: number
  readonly outages: number
}): Promise<LedgerFleet> {
  const lmdb = await lmdbUnderTest()
  onTestFinished(() => lmdb[Symbol.asyncDispose]())
  const ledger = embeddedLedgerStore(lmdb.kv)
  let offset = 1
  const hearAll = async (count: number, storyOf: (i: number) => Story): Promise<void> => {
    for (let from = 0; from < count; from += AT_ONCE) {
      const wallMs = systemClock.wallMs()
      const some = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => from + i)
      await Promise.all(some.map((i) => hear(ledger, { gateway: nameOf(i), offset: offset + i, wallMs }, storyOf(i))))
    }
    offset += gateways
  }
  await hearAll(gateways, (i) => ({
    accepted: 86_400 + i,
    ...(i === gateways - 1 ? { outages: manyOutages(outages) } : {}),
  }))
  const parsed = parseSettings({ env: SETTINGS })
  if (!parsed.ok) throw new Error(parsed.faults.join('; '))
  const end = new AbortController()
  const none = async (): Promise<never> => {
    throw new TidemarkError('log-unavailable', 'this process has none')
  }
  const { app, status } = statusPage({
    settings: parsed.settings,
    logger: pino({ level: 'silent' }),
    ledger,
    stores: [],
    base: none,
    hosted: () => [],
    recordings: async () => [],
    pageToken: 'page-secret',
    signal: end.signal,
  })
  const server = await serveHttp(app as unknown as WebApp, { host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    end.abort()
    status.feed.close()
    await server.close(0)
  })
  return {
    url: `http://127.0.0.1:${server.port}/`,
    change: (count: number, accepted: number) => hearAll(count, () => ({ accepted })),
  }
}

function nameOf(i: number): string {
  return `field-${String(i + 1).padStart(5, '0')}`
}

/** One every hour, each over after a second, ten positions long. */
function manyOutages(count: number) {
  const firstMs = systemClock.wallMs() - count * 3_600_000
  return Array.from({ length: count }, (_, i) => outage(`o${i}`, firstMs + i * 3_600_000, 1 + i * 20, 11 + i * 20))
}
