/** The dead letters: what is open, what sending again puts on the log, and that closing is for good. */

import { describe, expect, test } from 'vitest'
import type { Epoch, GatewayId, PositionedReading } from '../../../schemas/reading.ts'
import type { ReadingBatch } from '../../../schemas/records/batch.ts'
import type { QuarantineEntry } from '../../../schemas/records/events.ts'
import {
  runQuarantineDiscard,
  runQuarantineList,
  runQuarantineRedrive,
  runQuarantineShow,
} from '../../../services/commands/quarantine.ts'
import type { LogRecord } from '../../../services/ports/message-log.ts'
import type { TopicName } from '../../../topics/index.ts'
import { commandContext, NOW_MS, type TestContext } from '../../support/command-context.ts'

const GATEWAY = 'shed' as GatewayId
const EPOCH = '00c0ffee00c0ffee' as Epoch
const READING: PositionedReading = {
  seq: 7,
  type: 'pressure',
  sensor: 'roof',
  labels: { floor: '2' },
  ms: 1_700_000_000_000,
  ns: 5,
  bumpNs: 0,
  estimated: false,
  values: { hpa: 1013.25, count: 3n },
  digest: new Uint8Array(16).fill(9),
}
const SINGLE: ReadingBatch = { kind: 'batch', gateway: GATEWAY, epoch: EPOCH, type: 'pressure', readings: [READING] }

async function entered(
  context: TestContext,
  entry: Partial<QuarantineEntry> & { id: string },
): Promise<QuarantineEntry> {
  const whole: QuarantineEntry = {
    kind: 'entry',
    timeMs: NOW_MS,
    code: 'conflict',
    reason: 'the identity holds another digest',
    gateway: GATEWAY,
    store: 'embedded',
    source: { topic: 'readings', partition: context.messageLog.partitionOf(GATEWAY), firstOffset: 3, nextOffset: 4 },
    raw: await context.codec.encode('readings', { ...SINGLE, mark: { highWater: 7, head: 7, finals: [] } }),
    attempts: 1,
    ...entry,
  }
  await context.messageLog.produce('quarantine', [
    { key: GATEWAY, value: await context.codec.encode('quarantine', whole) },
  ])
  return whole
}

async function recordsOf({ messageLog, signal }: TestContext, topic: TopicName): Promise<readonly LogRecord[]> {
  const found: LogRecord[] = []
  for (const [partition, { next }] of (await messageLog.offsets(topic)).entries()) {
    for await (const records of messageLog.tail({ topic, partition, from: 'earliest', until: next }, signal)) {
      found.push(...records)
    }
  }
  return found
}

async function openIds(context: TestContext): Promise<readonly string[]> {
  context.said.out = ''
  expect(await runQuarantineList(context, { json: true })).toBe(0)
  const rows: { id: string }[] = JSON.parse(context.said.out)
  return rows.map(({ id }) => id)
}

describe('the quarantine', () => {
  test('shows each open entry once, however often its writer repeated it', async () => {
    const context = await commandContext()
    for (const id of ['a', 'b', 'a', 'c']) await entered(context, { id })
    await runQuarantineDiscard(context, { ids: ['b'] })
    expect(await openIds(context)).toEqual(['a', 'c'])
  })

  test('an entry that is repeated after it was closed stays closed', async () => {
    const context = await commandContext()
    await entered(context, { id: 'a' })
    await runQuarantineDiscard(context, { ids: [], all: true, reason: 'known' })
    await entered(context, { id: 'a' })
    expect(await openIds(context)).toEqual([])
  })

  test('says so when it is empty, and what it could not read', async () => {
    const context = await commandContext()
    await context.messageLog.produce('quarantine', [{ key: 'x', value: new Uint8Array([9]) }])
    expect(await runQuarantineList(context, {})).toBe(0)
    expect(context.said.out).toBe('the quarantine is empty\n')
    expect(context.said.note).toMatch(/^quarantine \d+\/0 can't be read: /)
  })

  test('shows an entry with its reading, exactly', async () => {
    const context = await commandContext()
    const { raw } = await entered(context, { id: 'a' })
    expect(await runQuarantineShow(context, { id: 'a' })).toBe(0)
    expect(JSON.parse(context.said.out)).toMatchObject({
      id: 'a',
      code: 'conflict',
      rawBytes: raw.length,
      rawStart: expect.stringMatching(/^00[0-9a-f]+$/),
      content: {
        gateway: 'shed',
        readings: [{ seq: 7, ns: 5, values: { hpa: 1013.25, count: '3' }, digest: '09'.repeat(16) }],
      },
    })
  })

  test('shows an entry that cannot be decoded with the reason', async () => {
    const context = await commandContext()
    await entered(context, { id: 'a', code: 'undecodable', raw: new Uint8Array([1, 2, 255]) })
    await runQuarantineShow(context, { id: 'a' })
    expect(JSON.parse(context.said.out)).toMatchObject({ content: expect.stringMatching(/./), rawStart: '0102ff' })
  })
})

describe('redrive', () => {
  test.each(['conflict', 'rejected'] as const)(
    'sends a %s again as an answer that lands at the next free nanosecond',
    async (code) => {
      const context = await commandContext()
      await entered(context, { id: 'a', code })
      expect(await runQuarantineRedrive(context, { ids: ['a'] })).toBe(0)
      const [record, ...more] = await recordsOf(context, 'recovery_data')
      expect(more).toEqual([])
      expect(record).toMatchObject({
        key: 'shed',
        headers: { request_id: 'redrive:a', ranges: '7', last_part: '1', epoch: EPOCH },
      })
      const decoded = await context.codec.decode('recovery_data', record?.value ?? new Uint8Array())
      expect(structuredClone(decoded)).toEqual({
        ok: true,
        record: {
          ...SINGLE,
          answer: { requestId: 'redrive:a', part: 1, lastPart: true, unavailable: [], redrive: true },
        },
      })
      expect(await openIds(context)).toEqual([])
    },
  )

  test.each(['undecodable', 'unknown-schema'] as const)(
    'puts a record that was %s back where it came from, byte by byte',
    async (code) => {
      const context = await commandContext()
      const raw = new Uint8Array([0, 0, 0, 0, 99, 1])
      const source = { topic: 'recovery_data', partition: 4, firstOffset: 1, nextOffset: 2 } as const
      await entered(context, { id: 'a', code, raw, source, gateway: '' })
      expect(await runQuarantineRedrive(context, { ids: [], all: true })).toBe(0)
      expect(await recordsOf(context, 'recovery_data')).toMatchObject([{ partition: 4, key: '', value: raw }])
      expect(await openIds(context)).toEqual([])
    },
  )

  test('refuses a record whose key was not its gateway, and leaves it open', async () => {
    const context = await commandContext()
    await entered(context, { id: 'a', code: 'key-mismatch', reason: "key 'x', gateway 'shed'" })
    expect(await runQuarantineRedrive(context, { ids: ['a'] })).toBe(1)
    expect(context.said.out).toContain("a: not sent again: its key is not its gateway (key 'x', gateway 'shed')")
    expect(await openIds(context)).toEqual(['a'])
  })

  test('refuses a reading that cannot be decoded any more, and still sends the others', async () => {
    const context = await commandContext()
    await entered(context, { id: 'a', raw: new Uint8Array([1]) })
    await entered(context, { id: 'b' })
    expect(await runQuarantineRedrive(context, { ids: ['a', 'b'] })).toBe(1)
    expect(await openIds(context)).toEqual(['a'])
  })

  test('an unknown id is refused before anything is done to the known ones', async () => {
    const context = await commandContext()
    await entered(context, { id: 'a' })
    const choice = { ids: ['a', 'x', 'y'] }
    await expect(runQuarantineRedrive(context, choice)).rejects.toThrow('none is open under x, y')
    await expect(runQuarantineDiscard(context, choice)).rejects.toMatchObject({ code: 'usage-wrong' })
    expect(await openIds(context)).toEqual(['a'])
    expect(await recordsOf(context, 'recovery_data')).toEqual([])
  })

  test('an entry whose record could not be put on the log stays open', async () => {
    const context = await commandContext()
    await entered(context, { id: 'a' })
    const produce: TestContext['messageLog']['produce'] = async (topic, records, signal) => {
      if (topic === 'recovery_data') throw new TypeError('away')
      return await context.messageLog.produce(topic, records, signal)
    }
    const messageLog = { ...logOf(context), produce }
    await expect(runQuarantineRedrive({ ...context, messageLog }, { ids: ['a'] })).rejects.toThrow('away')
    expect(await openIds(context)).toEqual(['a'])
  })
})

/** The methods of the log as an object of their own, so that one can be replaced. */
function logOf({ messageLog }: TestContext): TestContext['messageLog'] {
  return {
    produce: (...given) => messageLog.produce(...given),
    consume: (options) => messageLog.consume(options),
    tail: (...given) => messageLog.tail(...given),
    partitionOf: (key) => messageLog.partitionOf(key),
    partitions: messageLog.partitions,
    offsets: (topic) => messageLog.offsets(topic),
    committed: (...given) => messageLog.committed(...given),
    reset: (...given) => messageLog.reset(...given),
    applyTopics: () => messageLog.applyTopics(),
    listTopics: () => messageLog.listTopics(),
    probe: (signal) => messageLog.probe(signal),
    [Symbol.asyncDispose]: () => messageLog[Symbol.asyncDispose](),
  }
}
