/** Headers say what the batch says, and nothing that is not ours passes for one. */

import { describe, expect, test } from 'vitest'
import { type Epoch, type GatewayId, type PositionedReading, SEQ_MAX } from '../../../schemas/reading.ts'
import {
  answerFromHeaders,
  formatRanges,
  headersOf,
  markFromHeaders,
  parseRanges,
  rangesFromHeaders,
} from '../../../services/core/headers.ts'

const epoch = '00000000000000aa' as Epoch
const earlier = '00000000000000bb' as Epoch
const gateway = 'g' as GatewayId
const reading = (seq: number): PositionedReading => ({
  type: 't',
  sensor: 's',
  labels: {},
  ms: 0,
  ns: 0,
  bumpNs: 0,
  estimated: false,
  values: {},
  digest: new Uint8Array(16),
  seq,
})

describe('headers', () => {
  test('carry mark, finals and position ranges of a live batch', () => {
    const mark = { highWater: 9, head: 12, finals: [{ epoch: earlier, finalSeq: 4 }] }
    const headers = headersOf({ kind: 'batch', gateway, epoch, type: 't', mark, readings: [7, 8, 9, 3].map(reading) })
    expect(markFromHeaders(headers)).toEqual({ epoch, ...mark })
    expect(rangesFromHeaders(headers)).toEqual({
      epoch,
      ranges: [
        [3, 3],
        [7, 9],
      ],
    })
    expect(answerFromHeaders(headers)).toBeUndefined()
  })

  test('carry request, part and last part of an answer', () => {
    const answer = { requestId: 'r', part: 2, lastPart: true, unavailable: [], redrive: false }
    const headers = headersOf({ kind: 'batch', gateway, epoch, type: 't', answer, readings: [reading(1)] })
    expect(answerFromHeaders(headers)).toEqual({ requestId: 'r', part: 2, lastPart: true })
  })

  test('that are foreign or broken are no mark', () => {
    expect(markFromHeaders({})).toBeUndefined()
    expect(markFromHeaders({ epoch: 'not-an-epoch' })).toBeUndefined()
    expect(markFromHeaders({ epoch, head: '1', high_water: '-1' })).toBeUndefined()
    expect(markFromHeaders({ epoch, head: '1', high_water: '1e99' })).toBeUndefined()
    expect(markFromHeaders({ epoch, head: '1', finals: 'x' })).toBeUndefined()
  })

  test('ranges read back as written, and an open end is allowed to operators', () => {
    expect(
      parseRanges(
        formatRanges([
          [1, 5],
          [7, 7],
        ]),
      ),
    ).toEqual([
      [1, 5],
      [7, 7],
    ])
    expect(parseRanges('501-')).toEqual([[501, SEQ_MAX]])
    for (const wrong of ['a', '5-1', '1-2-3', '1.5', '-']) expect(parseRanges(wrong)).toBeUndefined()
  })
})
