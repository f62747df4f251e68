/** Reads ranges of positions and windows of time out of a journal's blocks, with a reason for every position that is not there. */

import type { Epoch, PositionedReading, Range, Seq } from '../../schemas/reading.ts'
import { compareInstants } from '../../schemas/time.ts'
import type { Piece, WindowFilter } from '../../services/ports/journal.ts'
import { missingBlock } from './journal-blocks.ts'
import { type EpochState, heldSet, segmentAt } from './journal-epochs.ts'
import type { JournalStorage } from './journal-storage.ts'

/** Everything about a range. While it is read, receipts may prune what it has not come to yet. */
export function* readRange(storage: JournalStorage, epoch: Epoch, [from, to]: Range, max: number): Generator<Piece> {
  let next = from
  while (next <= to) {
    storage.check()
    const state = storage.epochs.find(epoch)
    if (state === undefined) {
      yield { kind: 'never-held', range: [next, to] }
      return
    }
    const segment = segmentAt(state, next, to)
    if (segment.kind === 'held') next = yield* readHeld(storage, state, segment.range, max)
    else {
      yield segment
      next = segment.range[1] + 1
    }
  }
}

/** Gives back the position after the last one it has answered. */
function* readHeld(storage: JournalStorage, state: EpochState, [from, to]: Range, max: number): Generator<Piece, Seq> {
  let next = from
  let readings: PositionedReading[] = []
  for (const block of storage.blocks.between(storage.kv, state.ordinal, from, to)) {
    if (block.first > next) break
    const end = Math.min(block.last, to)
    while (next <= end) {
      const stop = Math.min(end, next + max - readings.length - 1)
      storage.blocks.decode(block, next, stop, (reading) => readings.push(reading) > 0)
      next = stop + 1
      if (readings.length < max) continue
      yield { kind: 'readings', readings }
      storage.check()
      readings = []
    }
  }
  if (readings.length > 0) yield { kind: 'readings', readings }
  return next > to ? next : yield* explainMissing(storage, state, next, to)
}

/** A block may have gone since the range was looked at, in a transaction that is not yet reported as done. Anything else is damage. */
function* explainMissing(storage: JournalStorage, before: EpochState, from: Seq, to: Seq): Generator<Piece, Seq> {
  const state = storage.epochs.latest(before.ordinal) ?? before
  const segment = segmentAt(state, from, to)
  if (segment.kind === 'held') throw missingBlock(before.epoch, from)
  yield segment
  return segment.range[1] + 1
}

export function* readWindow(
  storage: JournalStorage,
  filter: WindowFilter,
  max: number,
): Generator<{ readonly epoch: Epoch; readonly readings: readonly PositionedReading[] }> {
  for (const state of [...storage.epochs.all()]) {
    let readings: PositionedReading[] = []
    for (const reading of readingsOf(storage, state, filter)) {
      readings.push(reading)
      if (readings.length < max) continue
      yield { epoch: state.epoch, readings }
      readings = []
    }
    if (readings.length > 0) yield { epoch: state.epoch, readings }
  }
}

function* readingsOf(storage: JournalStorage, state: EpochState, filter: WindowFilter): Generator<PositionedReading> {
  for (const [from, to] of heldSet(state)) {
    for (const block of storage.blocks.between(storage.kv, state.ordinal, from, to)) {
      storage.check()
      if (block.highMs < filter.from.ms || block.lowMs > filter.to.ms) continue
      const found: PositionedReading[] = []
      storage.blocks.decode(block, from, to, (reading) => {
        if (matches(reading, filter)) found.push(reading)
        return true
      })
      yield* found
    }
  }
}

function matches(reading: PositionedReading, { from, to, type, sensor }: WindowFilter): boolean {
  if (compareInstants(reading, from) < 0 || compareInstants(reading, to) >= 0) return false
  return (type === undefined || reading.type === type) && (sensor === undefined || reading.sensor === sensor)
}
