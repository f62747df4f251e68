/** Makes ledger events for tests in few words. */

import type { Epoch, GatewayId, Range, Seq } from '../../schemas/reading.ts'
import type { LandedRanges, Landings } from '../../schemas/records/events.ts'
import { fold, type LedgerEvent, registerStore } from '../../services/core/fold.ts'
import { type Ledger, newLedger } from '../../services/core/ledger.ts'

export const GATEWAY = 'g1' as GatewayId
export const E1 = '00000000000000e1' as Epoch
export const E2 = '00000000000000e2' as Epoch

export function mark(epoch: Epoch, highWater: Seq | null, offset: number, finals: [Epoch, Seq][] = []): LedgerEvent {
  return {
    kind: 'mark',
    epoch,
    highWater,
    head: highWater ?? 0,
    finals: finals.map(([of, finalSeq]) => ({ epoch: of, finalSeq })),
    offset,
    appendedMs: 1_000_000 + offset,
  }
}

export interface LandingSketch {
  readonly store?: string
  readonly generation?: string
  readonly topic?: 'readings' | 'recovery_data'
  readonly offset: number
  readonly landed?: readonly [Epoch, LandedRanges['outcome'], Range[]][]
  readonly highWater?: [Epoch, Seq]
  readonly finals?: [Epoch, Seq][]
}

/** `at` is the offset on `landings`. */
export function landings(at: number, sketch: LandingSketch): LedgerEvent {
  const record: Landings = {
    kind: 'landings',
    gateway: GATEWAY,
    store: sketch.store ?? 's',
    generation: sketch.generation ?? 'gen1',
    timeMs: 0,
    source: {
      topic: sketch.topic ?? 'readings',
      partition: 0,
      firstOffset: sketch.offset,
      nextOffset: sketch.offset + 1,
    },
    landed: (sketch.landed ?? []).map(([epoch, outcome, ranges]) => ({ epoch, outcome, ranges })),
    highWaters:
      sketch.highWater === undefined
        ? []
        : [{ epoch: sketch.highWater[0], highWater: sketch.highWater[1], markMs: 1_000_000 + sketch.offset }],
    finals: (sketch.finals ?? []).map(([epoch, finalSeq]) => ({ epoch, finalSeq })),
  }
  return { kind: 'landings', record, offset: at }
}

export function revoked(at: number, epoch: Epoch, ranges: Range[], ends: number, generation = 'gen1'): LedgerEvent {
  return {
    kind: 'revoked',
    offset: at,
    record: {
      kind: 'revoked',
      gateway: GATEWAY,
      store: 's',
      generation,
      timeMs: 0,
      revoked: [{ epoch, ranges }],
      ends: [
        { topic: 'readings', next: ends },
        { topic: 'recovery_data', next: ends },
      ],
    },
  }
}

export function position(at: number, next: number, generation = 'gen1', store = 's'): LedgerEvent {
  return {
    kind: 'position',
    offset: at,
    record: {
      kind: 'position',
      store,
      generation,
      timeMs: 0,
      partition: 0,
      offsets: [
        { topic: 'readings', next },
        { topic: 'recovery_data', next },
      ],
    },
  }
}

export function writtenOff(at: number, epoch: Epoch, ranges: Range[], readingsNext: number): LedgerEvent {
  const lost = [{ epoch, ranges }]
  return {
    kind: 'written-off',
    offset: at,
    record: { kind: 'written-off', gateway: GATEWAY, timeMs: 0, lost, reason: 'r', readingsNext },
  }
}

export function ledgerOf(events: Iterable<LedgerEvent>, stores: readonly string[] = ['s']): Ledger {
  const ledger = newLedger(GATEWAY)
  for (const store of stores) registerStore(ledger, store, true)
  for (const event of events) fold(ledger, event)
  return ledger
}
