/** The small records between memory and the shape Avro writes. */

import { TidemarkError } from '../../services/core/errors.ts'
import { isSumHex } from '../canonical.ts'
import type { StoreGeneration } from '../reading.ts'
import { isDay } from '../time.ts'
import {
  epochFromWire,
  gatewayFromWire,
  rangesFromWire,
  rangesToWire,
  seqFromWire,
  storesFromWire,
  type WireRange,
} from '../wire-batch.ts'
import type { ConnectionStatus, EpochRanges, ManifestRecord, ReceiptRecord, RecoveryDataRequest } from './events.ts'

export interface WireEpochRanges {
  readonly epoch: string
  readonly ranges: readonly WireRange[]
}

interface WireConnectionStatus {
  readonly connection_status: 'disconnect' | 'reconnect'
  readonly gateway: string
  readonly id: string
  readonly time: number
  readonly epoch: string
  readonly seq: number
  readonly noticed_by: string
  readonly reason: string
}

interface WireRequest {
  readonly request_id: string
  readonly id: string
  readonly time: number
  readonly lost_connection_time: number | null
  readonly restored_connection_time: number | null
  readonly ranges: readonly WireEpochRanges[]
  readonly window: {
    readonly from: number
    readonly to: number
    readonly type: string | null
    readonly sensor: string | null
  } | null
  readonly attempt: number
}

interface WireReceipt {
  readonly gateway: string
  readonly time: number
  readonly stores: readonly StoreGeneration[]
  readonly epochs: readonly {
    readonly epoch: string
    readonly settled: readonly WireRange[]
    readonly complete: boolean
  }[]
}

export function epochRangesToWire(all: readonly EpochRanges[]): readonly WireEpochRanges[] {
  return all.map(({ epoch, ranges }) => ({ epoch, ranges: rangesToWire(ranges) }))
}

export function epochRangesFromWire(all: readonly WireEpochRanges[]): readonly EpochRanges[] {
  return all.map(({ epoch, ranges }) => ({ epoch: epochFromWire(epoch), ranges: rangesFromWire(ranges) }))
}

export function connectionStatusToWire(record: ConnectionStatus): WireConnectionStatus {
  const { connectionStatus, gateway, id, timeMs, epoch, seq, noticedBy, reason } = record
  return { connection_status: connectionStatus, gateway, id, time: timeMs, epoch, seq, noticed_by: noticedBy, reason }
}

export function connectionStatusFromWire(wire: WireConnectionStatus): ConnectionStatus {
  return {
    connectionStatus: wire.connection_status,
    gateway: gatewayFromWire(wire.gateway),
    id: wire.id,
    timeMs: wire.time,
    epoch: epochFromWire(wire.epoch),
    seq: seqFromWire(wire.seq),
    noticedBy: wire.noticed_by,
    reason: wire.reason,
  }
}

export function requestToWire(record: RecoveryDataRequest): WireRequest {
  const { window } = record
  return {
    request_id: record.requestId,
    id: record.gateway,
    time: record.timeMs,
    lost_connection_time: record.lostConnectionMs ?? null,
    restored_connection_time: record.restoredConnectionMs ?? null,
    ranges: epochRangesToWire(record.ranges),
    window:
      window === undefined
        ? null
        : { from: window.fromMs, to: window.toMs, type: window.type ?? null, sensor: window.sensor ?? null },
    attempt: record.attempt,
  }
}

export function requestFromWire(wire: WireRequest): RecoveryDataRequest {
  const { window, lost_connection_time: lost, restored_connection_time: restored } = wire
  return {
    requestId: wire.request_id,
    gateway: gatewayFromWire(wire.id),
    timeMs: wire.time,
    ...(lost === null ? {} : { lostConnectionMs: lost }),
    ...(restored === null ? {} : { restoredConnectionMs: restored }),
    ranges: epochRangesFromWire(wire.ranges),
    ...(window === null
      ? {}
      : {
          window: {
            fromMs: window.from,
            toMs: window.to,
            ...(window.type === null ? {} : { type: window.type }),
            ...(window.sensor === null ? {} : { sensor: window.sensor }),
          },
        }),
    attempt: wire.attempt,
  }
}

export function receiptToWire(record: ReceiptRecord): WireReceipt {
  return {
    gateway: record.gateway,
    time: record.timeMs,
    stores: record.stores,
    epochs: record.epochs.map(({ epoch, settled, complete }) => ({ epoch, settled: rangesToWire(settled), complete })),
  }
}

export function receiptFromWire(wire: WireReceipt): ReceiptRecord {
  return {
    gateway: gatewayFromWire(wire.gateway),
    timeMs: wire.time,
    stores: storesFromWire(wire.stores),
    epochs: wire.epochs.map(({ epoch, settled, complete }) => ({
      epoch: epochFromWire(epoch),
      settled: rangesFromWire(settled),
      complete,
    })),
  }
}

/** In memory and on the wire a manifest has the same shape. */
export function manifestFromWire(wire: { readonly [K in keyof ManifestRecord]: ManifestRecord[K] }): ManifestRecord {
  if (!isDay(wire.day)) throw new TidemarkError('record-invalid', `${JSON.stringify(wire.day)} is not a day YYYY-MM-DD`)
  if (!isSumHex(wire.sum))
    throw new TidemarkError('record-invalid', `${JSON.stringify(wire.sum)} is not a sum of 32 hex digits`)
  if (wire.count < 0) throw new TidemarkError('record-invalid', `a count of ${wire.count}`)
  const { journal, type, sensor, day, count, sum } = wire
  const upTo = { epoch: epochFromWire(wire.epoch), seq: seqFromWire(wire.seq) }
  return { gateway: gatewayFromWire(wire.gateway), journal, type, sensor, day, count, sum, ...upTo }
}
