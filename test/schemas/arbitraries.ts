/** Arbitrary readings, batches and small records for the property tests of the schemas. */

import fc from 'fast-check'
import { digestOfReading } from '../../schemas/canonical.ts'
import type { TopicRecords } from '../../schemas/codec.ts'
import { type MessageType, parseMessageType } from '../../schemas/message-type.ts'
import type { Epoch, GatewayId, PositionedReading, Range, Values } from '../../schemas/reading.ts'
import type { AnswerPart, Mark } from '../../schemas/records/batch.ts'
import type { EpochRanges, LandingSource } from '../../schemas/records/events.ts'

export const NUMBERS: MessageType = parseMessageType(
  {
    type: 'record',
    name: 'numbers',
    fields: [
      { name: 'level', type: 'double' },
      { name: 'count', type: ['null', 'long'], default: null },
      { name: 'open', type: ['null', 'boolean'], default: null },
      { name: 'word', type: ['null', 'string'], default: null },
      { name: 'class', type: ['null', 'double'], default: null },
    ],
  },
  'numbers.avsc',
)

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:=,@+%-]{0,20}$/)
export const gateway = name as fc.Arbitrary<GatewayId>
export const epoch = fc.stringMatching(/^[0-9a-f]{16}$/) as fc.Arbitrary<Epoch>
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1 })
const timeMs = fc.integer({ min: 0, max: 4_000_000_000_000 })
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const double = fc.double({ noDefaultInfinity: true, noNaN: true })
const integer = fc.bigInt({ min: -(2n ** 53n - 1n), max: 2n ** 53n - 1n })

export const declaredValues: fc.Arbitrary<Values> = fc.record(
  { level: double, count: integer, open: fc.boolean(), word: text, class: double },
  { requiredKeys: ['level'], noNullPrototype: true },
)
export const anyValues: fc.Arbitrary<Values> = fc.dictionary(name, fc.oneof(double, integer, fc.boolean(), text), {
  maxKeys: 8,
  noNullPrototype: true,
})

const range: fc.Arbitrary<Range> = fc.tuple(seq, seq).map(([a, b]): Range => (a < b ? [a, b] : [b, a]))
const ranges = fc.array(range, { maxLength: 4 })
const store = fc.record({ store: text, generation: text }, { noNullPrototype: true })
const final = fc.record({ epoch, finalSeq: seq }, { noNullPrototype: true })
const epochRanges: fc.Arbitrary<readonly EpochRanges[]> = fc.array(fc.record({ epoch, ranges }), { maxLength: 3 })

export function reading(type: string, values: fc.Arbitrary<Values>): fc.Arbitrary<PositionedReading> {
  return fc
    .record({
      type: fc.constant(type),
      sensor: fc.oneof(fc.constantFrom('a', 'b'), name),
      labels: fc.dictionary(fc.constantFrom('host', 'room', 'ort'), text, { noNullPrototype: true }),
      ms: fc.integer({ min: -9_214_560_000_000, max: 9_214_646_399_999 }),
      ns: fc.integer({ min: 0, max: 999_999 }),
      bumpNs: fc.oneof(fc.constant(0), fc.nat(5000)),
      estimated: fc.boolean(),
      values,
      seq,
    })
    .map((it) => ({ ...it, digest: digestOfReading('gateway', it) }))
}

export const mark: fc.Arbitrary<Mark> = fc.record({
  highWater: fc.option(seq),
  head: seq,
  finals: fc.array(final, { maxLength: 3 }),
})
const answer: fc.Arbitrary<AnswerPart> = fc.record({
  requestId: text,
  part: fc.integer({ min: 1, max: 1000 }),
  lastPart: fc.boolean(),
  redrive: fc.boolean(),
  unavailable: fc.array(
    fc.oneof(
      fc.record({ reason: fc.constant('void' as const), epoch, range, why: text }),
      fc.record({ reason: fc.constant('pruned' as const), epoch, range, stores: fc.array(store, { maxLength: 2 }) }),
      fc.record({ reason: fc.constant('never-held' as const), epoch, range }),
    ),
    { maxLength: 4 },
  ),
})

const head = { kind: fc.constant('batch' as const), gateway, epoch }
const someReadings = fc.oneof(
  fc.record({ type: fc.constant('numbers'), readings: fc.array(reading('numbers', declaredValues), { maxLength: 5 }) }),
  fc.record({ type: fc.constant('free'), readings: fc.array(reading('free', anyValues), { maxLength: 5 }) }),
)
const liveBatch = fc.tuple(fc.record({ ...head, mark }), someReadings).map(([a, b]) => ({ ...a, ...b }))
const answerBatch = fc.tuple(fc.record({ ...head, answer }), someReadings).map(([a, b]) => ({ ...a, ...b }))

const sourceTopic = fc.constantFrom('readings' as const, 'recovery_data' as const)
const source: fc.Arbitrary<LandingSource> = fc.record({
  topic: sourceTopic,
  partition: fc.nat(11),
  firstOffset: fc.nat(),
  nextOffset: fc.nat(),
})
const offsets = fc.array(fc.record({ topic: sourceTopic, next: fc.nat() }), { maxLength: 2 })
const said = { store: text, generation: text, timeMs }
const outcome = fc.constantFrom(
  'stored' as const,
  'duplicate' as const,
  'conflict' as const,
  'rejected' as const,
  'void' as const,
  'pruned' as const,
  'gone' as const,
  'never-held' as const,
  'undecodable' as const,
)

export const RECORDS: { readonly [T in keyof TopicRecords]: fc.Arbitrary<TopicRecords[T]> } = {
  readings: fc.oneof(liveBatch, fc.record({ kind: fc.constant('mark' as const), gateway, epoch, mark })),
  recovery_data: answerBatch,
  connection_status: fc.record({
    connectionStatus: fc.constantFrom('disconnect' as const, 'reconnect' as const),
    gateway,
    id: text,
    timeMs,
    epoch,
    seq,
    noticedBy: text,
    reason: text,
  }),
  recovery_data_request: fc.record(
    {
      requestId: text,
      gateway,
      timeMs,
      lostConnectionMs: timeMs,
      restoredConnectionMs: timeMs,
      ranges: epochRanges,
      window: fc.record(
        { fromMs: timeMs, toMs: timeMs, type: text, sensor: text },
        { requiredKeys: ['fromMs', 'toMs'], noNullPrototype: true },
      ),
      attempt: fc.integer({ min: 1, max: 99 }),
    },
    { requiredKeys: ['requestId', 'gateway', 'timeMs', 'ranges', 'attempt'], noNullPrototype: true },
  ),
  landings: fc.oneof(
    fc.record({
      kind: fc.constant('landings' as const),
      gateway,
      ...said,
      source,
      landed: fc.array(fc.record({ epoch, outcome, ranges }), { maxLength: 3 }),
      highWaters: fc.array(fc.record({ epoch, highWater: seq, markMs: fc.integer({ min: 0, max: 4e12 }) }), {
        maxLength: 2,
      }),
      finals: fc.array(final, { maxLength: 2 }),
    }),
    fc.record({ kind: fc.constant('position' as const), ...said, partition: fc.nat(11), offsets }),
    fc.record({ kind: fc.constant('revoked' as const), gateway, ...said, revoked: epochRanges, ends: offsets }),
    fc.record({
      kind: fc.constant('written-off' as const),
      gateway,
      timeMs,
      lost: epochRanges,
      reason: text,
      readingsNext: fc.nat(),
    }),
  ),
  receipts: fc.record({
    gateway,
    timeMs,
    stores: fc.array(store, { maxLength: 3 }),
    epochs: fc.array(fc.record({ epoch, settled: ranges, complete: fc.boolean() }), { maxLength: 3 }),
  }),
  manifests: fc.record({
    gateway,
    journal: text,
    type: text,
    sensor: text,
    day: fc.constantFrom('1970-01-01', '2024-02-29', '2261-12-31'),
    count: fc.nat(),
    sum: fc.stringMatching(/^[0-9a-f]{32}$/),
    epoch,
    seq,
  }),
  quarantine: fc.oneof(
    fc.record(
      {
        kind: fc.constant('entry' as const),
        id: text,
        timeMs,
        code: fc.constantFrom(
          'undecodable' as const,
          'unknown-schema' as const,
          'key-mismatch' as const,
          'conflict' as const,
          'rejected' as const,
        ),
        reason: text,
        gateway: text,
        store: text,
        source,
        identity: fc.record({
          type: name,
          sensor: name,
          ms: timeMs,
          ns: fc.nat(999_999),
          epoch,
          seq,
          digest: fc.stringMatching(/^[0-9a-f]{32}$/),
        }),
        raw: fc.uint8Array({ maxLength: 100 }),
        attempts: fc.nat(99),
      },
      {
        requiredKeys: ['kind', 'id', 'timeMs', 'code', 'reason', 'gateway', 'store', 'source', 'raw', 'attempts'],
        noNullPrototype: true,
      },
    ),
    fc.record({
      kind: fc.constant('closed' as const),
      id: text,
      timeMs,
      how: fc.constantFrom('redriven' as const, 'discarded' as const),
      reason: text,
    }),
  ),
}
