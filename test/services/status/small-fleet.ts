/** A fleet in a ledger in memory, under a clock that a test moves, with every load counted. */

import { embeddedLedgerStore } from '../../../infra/embedded/ledger-store.ts'
import type { Epoch, GatewayId, Range } from '../../../schemas/reading.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import { fold, registerStore } from '../../../services/core/fold.ts'
import { type Ledger, ledgerFromRows, newLedger, type OutageState, takeChange } from '../../../services/core/ledger.ts'
import type { VerdictMoment } from '../../../services/core/verdict.ts'
import type { LedgerStore } from '../../../services/ports/ledger-store.ts'
import type { HostedFacts } from '../../../services/status/gateway-rows.ts'
import { format } from '../../../services/status/judged.ts'
import { landings, mark } from '../../support/ledger-events.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { memoryKv } from '../../support/memory-kv.ts'

export const EPOCH = '00000000000000e1' as Epoch
export const HEARTBEAT_MS = 2000

export interface Story {
  readonly accepted: number
  /** Landed in the one store; all of it where not given. */
  readonly landed?: readonly Range[]
  readonly outages?: readonly OutageState[]
}

export function outage(id: string, lostMs: number, from: number, to: number | null): OutageState {
  const restored = to === null ? null : { epoch: EPOCH, seq: to }
  return {
    id,
    lostMs,
    lostAt: { epoch: EPOCH, seq: from },
    restoredMs: to === null ? null : lostMs + 1000,
    restoredAt: restored,
    noticedBy: 'uplink',
    reason: 'the log did not answer',
    appendedMs: lostMs,
  }
}

export function smallFleet() {
  const clock = manualClock()
  const kept = embeddedLedgerStore(memoryKv())
  const state = { isAway: false, loads: [] as string[], asked: 0, breaths: 0, offset: 1, gone: new Set<string>() }
  const hosted: HostedFacts[] = []
  const assertThere = (): void => {
    if (state.isAway) throw new TidemarkError('ledger-unavailable', 'connection refused')
  }
  const ledger: LedgerStore = {
    ...kept,
    load: async (gateway) => {
      assertThere()
      state.loads.push(gateway)
      return kept.load(gateway)
    },
    versions: async () => {
      assertThere()
      state.asked += 1
      return new Map([...(await kept.versions())].filter(([gateway]) => !state.gone.has(gateway)))
    },
  }
  const settings = { stores: ['s' as 'embedded'], heartbeatMs: HEARTBEAT_MS }
  return {
    clock,
    ledger,
    settings,
    state,
    hosted,
    sources: {
      ledger,
      settings,
      clock,
      hosted: () => hosted,
      breathe: async () => {
        state.breaths += 1
      },
    },
    moment: (): VerdictMoment => ({
      required: settings.stores,
      nowMs: clock.wallMs(),
      heartbeatMs: HEARTBEAT_MS,
      format,
    }),
    loaded: async (gateway: string): Promise<Ledger> => {
      const rows = await kept.load(gateway as GatewayId)
      if (rows === undefined) throw new Error(`no ledger of ${gateway}`)
      return ledgerFromRows(rows)
    },
    /** Loads since the last call. */
    loads: (): readonly string[] => state.loads.splice(0).toSorted(),
    /** A mark comes now, with all of the story so far. */
    hear: (gateway: string, story: Story): Promise<void> =>
      hear(kept, { gateway, offset: state.offset++, wallMs: clock.wallMs() }, story),
  }
}

export type SmallFleet = ReturnType<typeof smallFleet>

/** Saves what the ledger of a gateway says after a mark, with all of the story so far. */
export async function hear(
  ledger: LedgerStore,
  { gateway, offset, wallMs }: { readonly gateway: string; readonly offset: number; readonly wallMs: number },
  { accepted, landed = [[1, accepted]], outages = [] }: Story,
): Promise<void> {
  const rows = await ledger.load(gateway as GatewayId)
  const held = rows === undefined ? newLedger(gateway as GatewayId) : ledgerFromRows(rows)
  registerStore(held, 's', true)
  fold(held, { ...mark(EPOCH, accepted, offset), appendedMs: wallMs } as ReturnType<typeof mark>)
  fold(held, landings(offset, { offset, landed: [[EPOCH, 'stored', [...landed]]], highWater: [EPOCH, accepted] }))
  held.head = { ...held.head, outages }
  held.headChanged = true
  const change = takeChange(held)
  if (change !== undefined) await ledger.save(gateway as GatewayId, held.version, change)
}
