/** What a sink tells of the records of one run, after their readings have landed. */

import { expect, test } from 'vitest'
import type { Epoch, GatewayId, PositionedReading, Seq } from '../../../schemas/reading.ts'
import type { ReadingBatch } from '../../../schemas/records/batch.ts'
import type { LogRecord } from '../../../services/ports/message-log.ts'
import type { Landing } from '../../../services/ports/reading-store.ts'
import { type Arrival, addRecord, landingsOf, newArrivals, offsetOf } from '../../../services/sink/arrivals.ts'

const GATEWAY = 'g' as GatewayId
const [FIRST, SECOND] = ['e1' as Epoch, 'e2' as Epoch]
const FACTS = { store: 'a', topic: 'readings', partition: 3, timeMs: 1 } as const

function reading(seq: Seq): PositionedReading {
  const time = { ms: seq, ns: 0, bumpNs: 0, estimated: false }
  return { seq, type: 't', sensor: 's', labels: {}, ...time, values: { v: 1 }, digest: new Uint8Array(16) }
}

function arrivalOf(records: readonly (readonly [offset: number, epoch: Epoch, seqs: readonly Seq[]])[]): Arrival {
  const arrivals = newArrivals()
  for (const [offset, epoch, seqs] of records) {
    const place = { topic: 'readings', partition: 3, offset, appendedMs: 1 } as const
    const record: LogRecord = { ...place, key: GATEWAY, value: new Uint8Array(1), headers: {} }
    const batch: ReadingBatch = { kind: 'batch', gateway: GATEWAY, epoch, type: 't', readings: seqs.map(reading) }
    addRecord(arrivals, 'readings', record, { ok: true, record: batch })
  }
  return arrivals.byGateway.get(GATEWAY) as Arrival
}

function told(arrival: Arrival, outcomes: readonly ('stored' | 'duplicate')[]): unknown {
  const landings: Landing[] = outcomes.map((outcome) => ({ outcome }))
  return landingsOf(arrival, { generation: 'x', landings }, FACTS).map(({ landed }) => landed)
}

test('positions are told by epoch and outcome, whatever the order they came in', () => {
  const arrival = arrivalOf([
    [10, FIRST, [1, 2, 3]],
    [11, SECOND, [1, 2]],
    [12, FIRST, [5, 4, 2]],
  ])
  const outcomes = ['stored', 'stored', 'duplicate', 'stored', 'stored', 'stored', 'stored', 'duplicate'] as const
  expect(told(arrival, outcomes)).toEqual([
    [
      {
        epoch: FIRST,
        outcome: 'stored',
        ranges: [
          [1, 2],
          [4, 5],
        ],
      },
      { epoch: FIRST, outcome: 'duplicate', ranges: [[2, 3]] },
      { epoch: SECOND, outcome: 'stored', ranges: [[1, 2]] },
    ],
  ])
})

test('positions that follow each other over a change of epoch are not told for the wrong one', () => {
  const arrival = arrivalOf([
    [10, FIRST, [1]],
    [11, SECOND, [2]],
    [12, FIRST, [3]],
  ])
  expect(told(arrival, ['stored', 'stored', 'stored'])).toEqual([
    [
      {
        epoch: FIRST,
        outcome: 'stored',
        ranges: [
          [1, 1],
          [3, 3],
        ],
      },
      { epoch: SECOND, outcome: 'stored', ranges: [[2, 2]] },
    ],
  ])
})

test('every reading is known by the record that brought it', () => {
  const arrival = arrivalOf([
    [10, FIRST, [1, 2]],
    [11, FIRST, []],
    [15, FIRST, [3]],
  ])
  expect(arrival.readings.map((_, i) => offsetOf(arrival, i))).toEqual([10, 10, 15])
})
