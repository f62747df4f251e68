/** Builds the parts of an answer from what the recovery source has: batches of one epoch and type, and the reasons for what it can't give. Pure. */

import type { Epoch, GatewayId, PositionedReading } from '../../schemas/reading.ts'
import type { ReadingBatch, Unavailable } from '../../schemas/records/batch.ts'
import { readingBytes } from '../../schemas/wire-codec.ts'
import type { SourcePiece } from '../ports/recovery-source.ts'

const BATCH_BYTES_MAX = 500_000
const BATCH_READINGS_MAX = 5_000
const UNAVAILABLE_MAX = 1_000

/** The epoch of an answer that holds no reading, so that its record has one. */
const NO_EPOCH = '0000000000000000' as Epoch

interface Open {
  readonly epoch: Epoch
  readonly type: string
  readings: PositionedReading[]
  bytes: number
}

/**
 * Streams the parts in order. At least one comes, and the last is marked: an answer always says that it is whole. One part is held back until the
 * next is known.
 */
export function* answerParts(
  gateway: GatewayId,
  requestId: string,
  pieces: Iterable<SourcePiece>,
): Iterable<ReadingBatch> {
  let part = 0
  let held: ReadingBatch | undefined
  for (const { readings, unavailable, epoch, type } of groups(pieces)) {
    if (held !== undefined) yield held
    part += 1
    const answer = { requestId, part, lastPart: false, unavailable, redrive: false }
    held = { kind: 'batch', gateway, epoch, type, answer, readings }
  }
  held ??= emptyAnswer(gateway, requestId)
  yield held.answer === undefined ? held : { ...held, answer: { ...held.answer, lastPart: true } }
}

/** Says that a request is answered without any reading. */
export function emptyAnswer(gateway: GatewayId, requestId: string): ReadingBatch {
  const answer = { requestId, part: 1, lastPart: true, unavailable: [], redrive: false }
  return { kind: 'batch', gateway, epoch: NO_EPOCH, type: 'none', answer, readings: [] }
}

interface Group {
  readonly epoch: Epoch
  readonly type: string
  readonly readings: readonly PositionedReading[]
  readonly unavailable: readonly Unavailable[]
}

function* groups(pieces: Iterable<SourcePiece>): Iterable<Group> {
  const open = new Map<string, Open>()
  let unavailable: Unavailable[] = []
  const close = (each: Open): Group => {
    open.delete(each.type)
    const group = { epoch: each.epoch, type: each.type, readings: each.readings, unavailable }
    unavailable = []
    return group
  }
  for (const { epoch, piece } of pieces) {
    for (const each of [...open.values()]) if (each.epoch !== epoch) yield close(each)
    if (piece.kind !== 'readings') {
      unavailable.push(unavailableOf(epoch, piece))
      if (unavailable.length >= UNAVAILABLE_MAX) {
        yield { epoch, type: 'none', readings: [], unavailable }
        unavailable = []
      }
      continue
    }
    for (const reading of piece.readings) {
      const bytes = readingBytes(reading)
      let batch = open.get(reading.type)
      if (
        batch !== undefined &&
        (batch.bytes + bytes > BATCH_BYTES_MAX || batch.readings.length >= BATCH_READINGS_MAX)
      ) {
        yield close(batch)
        batch = undefined
      }
      if (batch === undefined) {
        batch = { epoch, type: reading.type, readings: [], bytes: 0 }
        open.set(reading.type, batch)
      }
      batch.readings.push(reading)
      batch.bytes += bytes
    }
  }
  for (const each of [...open.values()]) yield close(each)
  const last = unavailable.at(-1)
  if (last !== undefined) yield { epoch: last.epoch, type: 'none', readings: [], unavailable }
}

function unavailableOf(epoch: Epoch, piece: Exclude<SourcePiece['piece'], { kind: 'readings' }>): Unavailable {
  if (piece.kind === 'void') return { reason: 'void', epoch, range: piece.range, why: piece.why }
  if (piece.kind === 'pruned') return { reason: 'pruned', epoch, range: piece.range, stores: piece.stores }
  return { reason: 'never-held', epoch, range: piece.range }
}
