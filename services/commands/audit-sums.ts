/** What an audit sums: manifests as the gateways published them, and stores as they are read back, both per gateway, type, sensor and UTC day. */

import { addDigest, digestOfReading, emptySum, subtractDigest, sumFromHex, sumHex } from '../../schemas/canonical.ts'
import type { Epoch, GatewayId, PositionedReading } from '../../schemas/reading.ts'
import type { ManifestRecord } from '../../schemas/records/events.ts'
import { dayOf, dayStartMs } from '../../schemas/time.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import type { CommandContext } from './context.ts'

export interface SeriesDay {
  readonly gateway: GatewayId
  readonly type: string
  readonly sensor: string
  readonly day: string
}

export interface AuditScope {
  readonly gateway?: string | undefined
  /** UTC day. */
  readonly from?: string | undefined
}

export interface Expected extends SeriesDay {
  count: number
  readonly sum: Uint8Array
  /** Up to where each journal had counted. */
  readonly asOf: { readonly epoch: Epoch; readonly seq: number }[]
}

export interface Found {
  count: number
  readonly sum: Uint8Array
}

export function keyOf(day: SeriesDay): string {
  return `${day.gateway}/${day.type}/${day.sensor}/${day.day}`
}

/** The newest row of every key, journals of one gateway added up. */
export async function expectedSums(context: CommandContext, scope: AuditScope): Promise<ReadonlyMap<string, Expected>> {
  const { messageLog, codec, signal, note } = context
  const newest = new Map<string, ManifestRecord>()
  for (const [partition, { next }] of (await messageLog.offsets('manifests')).entries()) {
    for await (const records of messageLog.tail(
      { topic: 'manifests', partition, from: 'earliest', until: next },
      signal,
    )) {
      for (const record of records) {
        if (record.value === null) {
          newest.delete(record.key)
          continue
        }
        const decoded = await codec.decode('manifests', record.value)
        if (!decoded.ok) note(`manifest ${partition}/${record.offset} can't be read: ${decoded.reason}\n`)
        else if (inScope(decoded.record, scope)) newest.set(record.key, decoded.record)
      }
    }
  }
  const out = new Map<string, Expected>()
  for (const row of newest.values()) {
    const key = keyOf(row)
    const { gateway, type, sensor, day } = row
    const held = out.get(key) ?? { gateway, type, sensor, day, count: 0, sum: emptySum(), asOf: [] }
    held.count += row.count
    addDigest(held.sum, sumFromHex(row.sum))
    held.asOf.push({ epoch: row.epoch, seq: row.seq })
    out.set(key, held)
  }
  return out
}

function inScope(day: SeriesDay, scope: AuditScope): boolean {
  return (
    (scope.gateway === undefined || day.gateway === scope.gateway) &&
    (scope.from === undefined || day.day >= scope.from)
  )
}

/** Whether epoch `epoch` of the gateway began after epoch `than`. */
export type IsLater = (gateway: GatewayId, epoch: Epoch, than: Epoch) => boolean

/** Whether the position was accepted before one of the day's manifest rows was counted: of its epoch up to its seq, or of an epoch before it. */
export function isCounted(day: Expected, epoch: Epoch, seq: number, isLater: IsLater): boolean {
  return day.asOf.some((each) => (each.epoch === epoch ? seq <= each.seq : !isLater(day.gateway, epoch, each.epoch)))
}

/**
 * Reads the store back and sums digests computed anew from what it holds. Readings accepted after the manifest row was counted are left out.
 * `onRead` is told how many readings have been read.
 */
export async function foundSums(
  context: CommandContext,
  store: ReadingStore,
  scope: AuditScope,
  expected: ReadonlyMap<string, Expected>,
  isLater: IsLater,
  onRead: (readings: number) => void = () => undefined,
): Promise<ReadonlyMap<string, Found>> {
  const out = new Map<string, Found>()
  const filter = {
    ...(scope.gateway === undefined ? {} : { gateway: scope.gateway as GatewayId }),
    ...(scope.from === undefined ? {} : { from: { ms: dayStartMs(scope.from), ns: 0 } }),
  }
  let read = 0
  for await (const batch of store.read(filter, context.signal)) {
    for (const { gateway, epoch, reading } of batch) {
      const key = keyOf({ gateway, type: reading.type, sensor: reading.sensor, day: dayOf(reading.ms) })
      const want = expected.get(key)
      // Without positions all of it counts: what came later makes the day unequal here, and equal once the gateway is asked for it.
      if (want !== undefined && epoch !== undefined && !isCounted(want, epoch, reading.seq, isLater)) continue
      let held = out.get(key)
      if (held === undefined) {
        held = { count: 0, sum: emptySum() }
        out.set(key, held)
      }
      held.count += 1
      addDigest(held.sum, digestOfReading(gateway, reading))
    }
    read += batch.length
    onRead(read)
  }
  return out
}

/** Takes a reading that is known not to be in the store out of what is expected. */
export function leaveOut(expected: Expected, digest: string): void {
  expected.count -= 1
  subtractDigest(expected.sum, sumFromHex(digest))
}

export function isEqual(expected: Expected | undefined, found: Found | undefined): boolean {
  const none = { count: 0, sum: emptySum() }
  const [x, y] = [expected ?? none, found ?? none]
  return x.count === y.count && sumHex(x.sum) === sumHex(y.sum)
}

/** Of one sensor and day in a store: by time, digests computed anew. */
export async function dayContent(
  context: CommandContext,
  store: ReadingStore,
  day: SeriesDay,
): Promise<ReadonlyMap<string, string>> {
  const start = dayStartMs(day.day)
  const filter = {
    gateway: day.gateway,
    type: day.type,
    sensor: day.sensor,
    from: { ms: start, ns: 0 },
    to: { ms: start + 86_400_000, ns: 0 },
  }
  const out = new Map<string, string>()
  for await (const batch of store.read(filter, context.signal)) {
    for (const { gateway, reading } of batch) out.set(timeKey(reading), sumHex(digestOfReading(gateway, reading)))
  }
  return out
}

export function timeKey(reading: Pick<PositionedReading, 'ms' | 'ns'>): string {
  return `${reading.ms}.${reading.ns}`
}
