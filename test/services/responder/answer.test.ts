/** Answers: every piece of what the source has goes out once, in bounded parts, and the last one says so. */

import { expect, test } from 'vitest'
import type { Epoch, GatewayId, PositionedReading } from '../../../schemas/reading.ts'
import type { RecoveryDataRequest } from '../../../schemas/records/events.ts'
import type { SourcePiece } from '../../../services/ports/recovery-source.ts'
import { answerParts } from '../../../services/responder/answer.ts'
import { takeNext } from '../../../services/responder/responder.ts'

const gateway = 'g' as GatewayId
const e1 = '00000000000000e1' as Epoch
const e2 = '00000000000000e2' as Epoch

const reading = (seq: number, type = 't'): PositionedReading => ({
  type,
  sensor: 's',
  labels: {},
  ms: seq,
  ns: 0,
  bumpNs: 0,
  estimated: false,
  values: { v: 1 },
  digest: new Uint8Array(16),
  seq,
})
const readings = (epoch: Epoch, list: readonly PositionedReading[]): SourcePiece => ({
  epoch,
  piece: { kind: 'readings', readings: list },
})

test('every part holds one epoch and one type, in bounded size, and only the last is marked', () => {
  const many = Array.from({ length: 12_000 }, (_, i) => reading(i + 1, i % 3 === 0 ? 'a' : 'b'))
  const parts = [...answerParts(gateway, 'r', [readings(e1, many), readings(e2, [reading(1)])])]
  expect(parts.flatMap((part) => part.readings)).toHaveLength(12_001)
  for (const part of parts) {
    expect(new Set(part.readings.map((each) => each.type)).size).toBe(1)
    expect(part.readings.length).toBeLessThanOrEqual(5000)
  }
  expect(parts.map((part) => part.answer?.part)).toEqual(parts.map((_, i) => i + 1))
  expect(parts.map((part) => part.answer?.lastPart)).toEqual(parts.map((_, i) => i === parts.length - 1))
  expect(new Set(parts.map((part) => `${part.epoch}${part.readings[0]?.type}`))).toEqual(
    new Set([`${e1}a`, `${e1}b`, `${e2}t`]),
  )
})

test('what cannot be given is said with its reason, also when nothing can', () => {
  const parts = [
    ...answerParts(gateway, 'r', [
      { epoch: e1, piece: { kind: 'void', range: [1, 5], why: 'full' } },
      { epoch: e1, piece: { kind: 'pruned', range: [6, 7], stores: [{ store: 's', generation: 'x' }] } },
      { epoch: e2, piece: { kind: 'never-held', range: [1, 9] } },
    ]),
  ]
  expect(parts).toHaveLength(1)
  expect(parts[0]?.answer?.unavailable.map((each) => [each.epoch, each.reason, each.range])).toEqual([
    [e1, 'void', [1, 5]],
    [e1, 'pruned', [6, 7]],
    [e2, 'never-held', [1, 9]],
  ])
  expect(parts[0]?.answer?.lastPart).toBe(true)
})

test('nothing at all is an answer too', () => {
  const parts = [...answerParts(gateway, 'r', [])]
  expect(parts).toMatchObject([{ readings: [], answer: { lastPart: true, part: 1 } }])
})

test('requests for positions that wait are answered as one, each is told; windows stand alone', () => {
  const request = (requestId: string, more: Partial<RecoveryDataRequest>): RecoveryDataRequest => ({
    requestId,
    gateway,
    timeMs: 0,
    ranges: [],
    attempt: 1,
    ...more,
  })
  const waiting = [
    request('r1', { ranges: [{ epoch: e1, ranges: [[1, 5]] }] }),
    request('w', { window: { fromMs: 0, toMs: 1 } }),
    request('r2', {
      ranges: [
        { epoch: e1, ranges: [[4, 9]] },
        { epoch: e2, ranges: [[1, 1]] },
      ],
    }),
  ]
  expect(takeNext(waiting)).toMatchObject({
    ids: ['r2', 'r1'],
    asked: [
      { epoch: e1, ranges: [[1, 9]] },
      { epoch: e2, ranges: [[1, 1]] },
    ],
  })
  expect(takeNext(waiting)).toMatchObject({ ids: ['w'], window: { fromMs: 0, toMs: 1 } })
  expect(takeNext(waiting)).toBeUndefined()
})
