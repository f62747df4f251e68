/** What the codec writes it reads back; what it did not write it refuses, cheaply, and says why. */

import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { schemaText } from '../../schemas/avro.ts'
import { digestOfReading } from '../../schemas/canonical.ts'
import type { TopicRecords, WireCodec } from '../../schemas/codec.ts'
import { batchSchema } from '../../schemas/compose.ts'
import { parseMessageType } from '../../schemas/message-type.ts'
import type { Epoch, GatewayId, PositionedReading, Values } from '../../schemas/reading.ts'
import type { ReadingBatch } from '../../schemas/records/batch.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { NUMBERS, RECORDS } from './arbitraries.ts'
import { countingRegistry } from './registry.ts'

const TYPES = new Map([['numbers', NUMBERS]])
const GATEWAY = 'Node37' as GatewayId
const EPOCH = '00112233445566aa' as Epoch

let registry = countingRegistry()
let codec: WireCodec

beforeEach(async () => {
  registry = countingRegistry()
  codec = await openWireCodec(registry, TYPES)
})

function batchOf(values: readonly Values[], type = 'numbers'): ReadingBatch {
  const readings = values.map((each, i): PositionedReading => {
    const reading = {
      type,
      sensor: 's',
      labels: {},
      ms: 1000 + i,
      ns: 1,
      bumpNs: 0,
      estimated: false,
      values: each,
      seq: i + 1,
    }
    return { ...reading, digest: digestOfReading(GATEWAY, reading) }
  })
  return {
    kind: 'batch',
    gateway: GATEWAY,
    epoch: EPOCH,
    type,
    mark: { highWater: values.length, head: values.length, finals: [] },
    readings,
  }
}

/** Bytes as a `Uint8Array`, whichever kind of it they are. */
const plain = structuredClone

const names = () => registry.texts.map((text) => JSON.parse(text)).map((it) => `${it.namespace}.${it.name}`)

describe('encode and decode', () => {
  it.each(Object.keys(RECORDS) as (keyof TopicRecords)[])('bring back every record of %s', async (topic) => {
    await fc.assert(
      fc.asyncProperty(RECORDS[topic] as fc.Arbitrary<TopicRecords[typeof topic]>, async (record) => {
        expect(plain(await codec.decode(topic, await codec.encode(topic, record)))).toEqual({ ok: true, record })
      }),
    )
  })

  it('keep -0, the largest integers, and 1 apart from 1n', async () => {
    const most = 2n ** 53n - 1n
    for (const type of ['numbers', 'free']) {
      const batch = batchOf(
        [
          { level: -0, count: most },
          { level: 5e-324, count: -most },
          { level: 1, count: 1n },
        ],
        type,
      )
      const decoded = await codec.decode('readings', await codec.encode('readings', batch))
      expect(plain(decoded)).toEqual({ ok: true, record: batch })
      expect(
        decoded.ok && decoded.record.kind === 'batch' && Object.is(decoded.record.readings[0]?.values.level, -0),
      ).toBe(true)
    }
  })

  it('give digests of 16 bytes that hold for what was decoded', async () => {
    const decoded = await codec.decode('readings', await codec.encode('readings', batchOf([{ level: 1.5, word: 'ä' }])))
    const reading = decoded.ok && decoded.record.kind === 'batch' ? decoded.record.readings[0] : undefined
    expect(reading?.digest).toHaveLength(16)
    expect(reading === undefined ? undefined : digestOfReading(GATEWAY, reading)).toEqual(plain(reading?.digest))
  })

  it('write a sensor and its labels once a batch', async () => {
    const labels = { room: 'x'.repeat(500) }
    const { readings, ...rest } = batchOf(Array.from({ length: 100 }, () => ({ level: 1 })))
    const same = { ...rest, readings: readings.map((reading) => ({ ...reading, labels: { ...labels } })) }
    expect((await codec.encode('readings', same)).length).toBeLessThan(100 * 60)
    const decoded = await codec.decode('readings', await codec.encode('readings', same))
    expect(plain(decoded)).toEqual({ ok: true, record: same })
  })
})

describe('schemas', () => {
  it('are registered under topic and record, once for all who wait', async () => {
    const batch = batchOf([{ level: 1 }])
    await Promise.all(Array.from({ length: 5 }, () => codec.encode('readings', batch)))
    expect(registry.asked.register).toBe(1)
    await codec.encode('recovery_data', batch)
    expect(registry.asked.register).toBe(2)
    expect(names()).toEqual(['tidemark.batch.numbers'])
  })

  it('are looked up once for all who wait, also when there is none', async () => {
    const bytes = await codec.encode('readings', batchOf([{ level: 1 }]))
    await Promise.all(Array.from({ length: 5 }, () => codec.decode('readings', bytes)))
    expect(registry.asked.byId).toBe(1)
    const unknown = Uint8Array.of(0, 0, 0, 0, 99, 1)
    const answers = await Promise.all([codec.decode('readings', unknown), codec.decode('readings', unknown)])
    for (const answer of answers)
      expect(answer).toEqual({ ok: false, code: 'unknown-schema', reason: 'nobody registered schema 99' })
    expect(registry.asked.byId).toBe(2)
  })

  it('are asked for again after the registry was away', async () => {
    registry.down.reason = new TidemarkError('registry-unavailable')
    await expect(codec.encode('readings', batchOf([{ level: 1 }]))).rejects.toThrow(/does not answer/)
    delete registry.down.reason
    const bytes = await codec.encode('readings', batchOf([{ level: 1 }]))
    registry.down.reason = new TidemarkError('registry-unavailable')
    await expect(codec.decode('readings', bytes)).rejects.toMatchObject({ code: 'registry-unavailable' })
    delete registry.down.reason
    expect(await codec.decode('readings', bytes)).toMatchObject({ ok: true })
  })

  it('of types nobody declared are the generic one; so are readings that do not fit their declared type', async () => {
    await codec.encode('readings', batchOf([{ level: 1 }], 'free'))
    const old = batchOf([{ level: 1 }, { level: 1, dropped: 'since' }])
    const bytes = await codec.encode('readings', old)
    expect(names()).toEqual(['tidemark.generic.Batch'])
    expect(plain(await codec.decode('readings', bytes))).toEqual({ ok: true, record: old })
  })

  it('that changed still let old records through, with the values their digests cover', async () => {
    const before = parseMessageType(
      {
        type: 'record',
        name: 'numbers',
        fields: [
          { name: 'level', type: 'long' },
          { name: 'gone', type: ['null', 'string'], default: null },
        ],
      },
      'numbers.avsc',
    )
    const old = batchOf([{ level: 7n, gone: 'x' }])
    const bytes = await (await openWireCodec(registry, new Map([['numbers', before]]))).encode('readings', old)
    expect(plain(await codec.decode('readings', bytes))).toEqual({ ok: true, record: old })
    const without = await openWireCodec(registry, new Map())
    expect(plain(await without.decode('readings', bytes))).toEqual({ ok: true, record: old })
  })

  it('whose envelope was smaller are read by what the envelope is today', async () => {
    const schema = JSON.parse(schemaText(batchSchema(NUMBERS)))
    const batch = batchOf([{ level: 1 }])
    const { mark: _mark, ...withoutMark } = batch
    const whole = await codec.encode('readings', withoutMark)
    const id = await registry.register(
      'x',
      JSON.stringify({ ...schema, fields: schema.fields.filter((f: { name: string }) => f.name !== 'answer') }),
    )
    // gateway, epoch and type, then a zero for no mark and a zero for no answer: the old schema knew only one of them.
    const at = 5 + 1 + GATEWAY.length + 1 + EPOCH.length + 1 + 'numbers'.length
    const older = Buffer.concat([whole.subarray(0, at), whole.subarray(at + 1)])
    older.writeUInt32BE(id, 1)
    expect(whole[at]).toBe(0)
    // Named types move with the field that spelled them out: the mark stands before it and keeps them.
    expect(plain(await codec.decode('readings', older))).toEqual({ ok: true, record: withoutMark })
  })
})

describe('what is refused', () => {
  const encoded = () => codec.encode('readings', batchOf([{ level: 1 }, { level: 2, word: 'x' }]))
  const withId = (bytes: Uint8Array, id: number) => {
    const copy = Buffer.from(bytes)
    copy.writeUInt32BE(id, 1)
    return copy
  }

  it('is anything without the zero byte, the id and a body', async () => {
    for (const bytes of [[], [0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 1, 0], [0x7b, 0x22, 0x61, 0x22, 0x3a, 0x31, 0x7d]]) {
      expect(await codec.decode('readings', Uint8Array.from(bytes))).toMatchObject({ ok: false, code: 'undecodable' })
    }
  })

  it('is a cut record, and one with bytes after it', async () => {
    const bytes = await encoded()
    for (let end = 0; end < bytes.length; end++) {
      expect(await codec.decode('readings', bytes.subarray(0, end))).toMatchObject({ ok: false, code: 'undecodable' })
    }
    expect(await codec.decode('readings', Buffer.concat([bytes, Buffer.of(0)]))).toMatchObject({
      reason: /after its end/,
    })
  })

  it('never throws, whatever byte is flipped', async () => {
    const bytes = await encoded()
    for (let at = 5; at < bytes.length; at++) {
      for (const flip of [1, 2, 0x40, 0x80, 0xff]) {
        const hurt = Uint8Array.from(bytes)
        hurt[at] = (hurt[at] ?? 0) ^ flip
        const decoded = await codec.decode('readings', hurt)
        if (!decoded.ok) expect(decoded.code).toBe('undecodable')
      }
    }
  })

  it('is a bomb, in no time and no memory', async () => {
    const bytes = await codec.encode('readings', { ...batchOf([]), type: 'free' })
    const bomb = Buffer.concat([bytes.subarray(0, -1), Buffer.of(0x80, 0xe1, 0xeb, 0x17)])
    await codec.decode('readings', bytes)
    const [before, began] = [process.memoryUsage().heapUsed, performance.now()]
    for (let i = 0; i < 100; i++) {
      expect(await codec.decode('readings', bomb)).toMatchObject({
        code: 'undecodable',
        reason: /a list of 25000000 items/,
      })
    }
    expect(performance.now() - began).toBeLessThan(1000)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000)
  })

  it('is a record whose schema has no place on the topic', async () => {
    const bytes = await encoded()
    expect(await codec.decode('receipts', bytes)).toMatchObject({
      code: 'unknown-schema',
      reason: /no place on receipts/,
    })
    const mark = await codec.encode('readings', {
      kind: 'mark',
      gateway: GATEWAY,
      epoch: EPOCH,
      mark: { highWater: null, head: 0, finals: [] },
    })
    expect(await codec.decode('recovery_data', mark)).toMatchObject({
      code: 'unknown-schema',
      reason: /no place on recovery_data/,
    })
  })

  it('is a batch under the schema of another type of the same shape', async () => {
    const twin = { ...NUMBERS, name: 'twins', valuesSchema: { ...NUMBERS.valuesSchema, name: 'twins' } }
    const both = await openWireCodec(registry, new Map([...TYPES, ['twins', twin]]))
    const bytes = await both.encode('readings', batchOf([{ level: 1 }]))
    await both.encode('readings', batchOf([{ level: 1 }], 'twins'))
    expect(await both.decode('readings', withId(bytes, 2))).toMatchObject({
      code: 'undecodable',
      reason: /says it is of the type numbers, its schema is that of twins/,
    })
  })

  it.each([
    [
      'no record of ours',
      { type: 'record', name: 'Other', namespace: 'x', fields: [{ name: 'a', type: 'int' }] },
      /none of tidemark's/,
    ],
    [
      'a batch in name only',
      { type: 'record', name: 'numbers', namespace: 'tidemark.batch', fields: [{ name: 'a', type: 'int' }] },
      /of no use/,
    ],
    [
      'a receipt in name only',
      { type: 'record', name: 'Receipt', namespace: 'tidemark', fields: [{ name: 'a', type: 'int' }] },
      /of no use/,
    ],
    ['no record', 'int', /of no use/],
  ])('is a schema that is %s', async (_what, schema, reason) => {
    const id = await registry.register('x', JSON.stringify(schema))
    expect(await codec.decode('receipts', withId(await encoded(), id))).toEqual({
      ok: false,
      code: 'unknown-schema',
      reason: expect.stringMatching(reason),
    })
  })

  it.each<[string, Partial<ReadingBatch>, RegExp]>([
    ['a gateway that is no name', { gateway: 'a b' as GatewayId }, /"a b" is no name of a gateway/],
    ['an epoch that is no name', { epoch: '' as Epoch }, /no name of a epoch/],
    [
      'a sensor that is no name',
      { readings: batchOf([{ level: 1 }]).readings.map((r) => ({ ...r, sensor: '\n' })) },
      /sensor/,
    ],
    ['a position below 1', { readings: batchOf([{ level: 1 }]).readings.map((r) => ({ ...r, seq: 0 })) }, /position 0/],
    [
      'a time out of range',
      { readings: batchOf([{ level: 1 }]).readings.map((r) => ({ ...r, ns: 1_000_000 })) },
      /time/,
    ],
    [
      'a range from behind',
      {
        answer: {
          requestId: 'r',
          part: 1,
          lastPart: true,
          redrive: false,
          unavailable: [{ reason: 'never-held', epoch: EPOCH, range: [2, 1] }],
        },
      },
      /2 to 1 is no range/,
    ],
  ])('is %s', async (_what, change, reason) => {
    const bytes = await codec.encode('recovery_data', { ...batchOf([{ level: 1 }]), ...change })
    expect(await codec.decode('recovery_data', bytes)).toMatchObject({ ok: false, code: 'undecodable', reason })
  })
})

describe('size', () => {
  const large = (bytes: number) => batchOf([{ level: 1, word: 'x'.repeat(bytes) }])

  it('is limited to 900,000 bytes', async () => {
    const around = (await codec.encode('readings', large(200_000))).length - 200_000
    expect((await codec.encode('readings', large(900_000 - around))).length).toBe(900_000)
    await expect(codec.encode('readings', large(900_001 - around))).rejects.toMatchObject({ code: 'record-too-large' })
    await expect(codec.encode('readings', large(3_000_000))).rejects.toMatchObject({ code: 'record-too-large' })
  })

  it('leaves room for quarantine to hold a whole record', async () => {
    const raw = new Uint8Array(900_000)
    const source = { topic: 'readings' as const, partition: 1, firstOffset: 1, nextOffset: 2 }
    const entry = {
      kind: 'entry' as const,
      id: 'i',
      timeMs: 1,
      code: 'undecodable' as const,
      reason: 'r',
      gateway: '',
      store: 's',
      source,
      raw,
      attempts: 1,
    }
    const decoded = await codec.decode('quarantine', await codec.encode('quarantine', entry))
    expect(decoded.ok && decoded.record.kind === 'entry' && decoded.record.raw.length).toBe(900_000)
    // The buffer has room for it now; the limit of other topics holds all the same.
    await expect(codec.encode('readings', large(920_000))).rejects.toMatchObject({ code: 'record-too-large' })
  })

  it('of a record that can not be written is a bug, not a half-written one', async () => {
    const wrong = batchOf([{ level: 1 }]).readings.map((reading) => ({ ...reading, seq: 0.5 }))
    await expect(codec.encode('readings', { ...batchOf([]), readings: wrong })).rejects.toMatchObject({ code: 'bug' })
    await expect(codec.encode('readings', batchOf([{ level: 1, count: 2n ** 53n }]))).rejects.toMatchObject({
      code: 'bug',
    })
  })
})
