/** What every message log promises about consumer groups: owners, offsets, resets. Part of `messageLogContract`. */

import { expect, test } from 'vitest'
import type {
  ConsumeOptions,
  Consumer,
  ConsumerEvent,
  LogRecord,
  MessageLog,
} from '../../services/ports/message-log.ts'
import type { TopicName } from '../../topics/index.ts'
import {
  bytes,
  codeOfRejection,
  KEY,
  type MessageLogCases,
  type MessageLogUnderTest,
  never,
  partitionOfKey,
  textOf,
  valued,
} from './message-log.ts'

export function groupCases(cases: MessageLogCases): void {
  offsetCases(cases)
  ownerCases(cases)
  resetCases(cases)
  flowCases(cases)
  endingCases(cases)
}

function offsetCases({ open }: MessageLogCases): void {
  test('a member is told first what it owns and from where; a group without offsets begins at the earliest record', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b'))
    const reader = read(it.log, ['readings', 'recovery_data'])
    const event = await reader.next()
    expect(event.kind).toBe('assigned')
    const partitions = event.kind === 'assigned' ? event.partitions : []
    expect(partitions.map(({ partition }) => partition)).toEqual(allPartitions(it.log))
    for (const { offsets } of partitions) expect(offsets).toEqual({ readings: 0, recovery_data: 0 })
    expect((await reader.records(2)).map(textOf)).toEqual(['a', 'b'])
  })

  test('what was committed does not come again after reopening, what was not does', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b', 'c'))
    const reader = read(it.log)
    await reader.records(3)
    await reader.consumer.commit('readings', partitionOfKey(it.log), 2)
    const again = read(await it.reopen())
    expect((await again.records(1)).map(textOf)).toEqual(['c'])
  })

  test('says what a group has committed, and null where it has not', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b', 'c'))
    const partition = partitionOfKey(it.log)
    const reader = read(it.log)
    await reader.records(3)
    await reader.consumer.commit('readings', partition, 2)
    const committed = await it.log.committed(GROUP, ['readings', 'landings'])
    expect(committed.readings?.[partition]).toBe(2)
    expect(committed.readings?.filter((next) => next === null).length).toBe(it.log.partitions - 1)
    expect(committed.landings).toEqual(allPartitions(it.log).map(() => null))
    expect((await it.log.committed('another', ['readings'])).readings?.[partition]).toBeNull()
  })

  test('iterating again begins with what is owned, at what was committed', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b'))
    const reader = read(it.log)
    await reader.records(2)
    await reader.consumer.commit('readings', partitionOfKey(it.log), 1)
    const again = follow(reader.consumer)
    expect((await again.next()).kind).toBe('assigned')
    expect((await again.records(1)).map(textOf)).toEqual(['b'])
  })

  test('groups do not know of each other', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a'))
    const readers = [read(it.log), read(it.log, ['readings'], { group: 'another' })]
    for (const reader of readers) expect((await reader.records(1)).map(textOf)).toEqual(['a'])
  })
}

function ownerCases({ open }: MessageLogCases): void {
  test('members share the partitions, each with one owner that has it for all topics', async () => {
    await using it = await open()
    const [one, two] = await twoMembers(it)
    expect([...one.owned, ...two.owned].sort((a, b) => a - b)).toEqual(allPartitions(it.log))
    expect(one.owned.size > 0 && two.owned.size > 0).toBe(true)
    for (const topic of ['readings', 'recovery_data'] as const) {
      await it.log.produce(
        topic,
        allPartitions(it.log).map((partition) => ({ key: KEY, partition, value: bytes('x') })),
      )
    }
    for (const reader of [one, two]) {
      const seen = await reader.records(reader.owned.size * 2)
      for (const topic of ['readings', 'recovery_data'] as const) {
        const partitions = seen.filter((record) => record.topic === topic).map(({ partition }) => partition)
        expect(new Set(partitions)).toEqual(reader.owned)
      }
    }
  })

  test('a member that lost a partition can’t commit for it any more, and the owner goes on from what was committed', async () => {
    await using it = await open()
    const partitions = allPartitions(it.log)
    await it.log.produce(
      'readings',
      partitions.flatMap((partition) => [
        { key: KEY, partition, value: bytes(`${partition} a`) },
        { key: KEY, partition, value: bytes(`${partition} b`) },
      ]),
    )
    const one = read(it.log)
    await one.records(2 * partitions.length)
    for (const partition of partitions) await one.consumer.commit('readings', partition, 1)
    const two = read(it.log)
    await two.next()
    await one.next()
    const lost = [...two.owned][0] ?? -1
    expect(one.owned.has(lost)).toBe(false)
    expect(await codeOfRejection(one.consumer.commit('readings', lost, 2))).toBe('log-fenced')
    expect((await it.log.committed(GROUP, ['readings'])).readings?.[lost]).toBe(1)
    const came = await two.records(two.owned.size)
    expect(came.map(textOf).sort()).toEqual([...two.owned].map((partition) => `${partition} b`).sort())
  })

  test('what a member leaves behind goes to those who stay', async () => {
    await using it = await open()
    const [one, two] = await twoMembers(it)
    await two.consumer[Symbol.asyncDispose]()
    await one.next()
    expect(one.owned.size).toBe(it.log.partitions)
    await it.log.produce(
      'readings',
      allPartitions(it.log).map((partition) => ({ key: KEY, partition, value: bytes('x') })),
    )
    expect((await one.records(it.log.partitions)).length).toBe(it.log.partitions)
  })
}

function resetCases({ open, testWith }: MessageLogCases): void {
  test('a reset moves a group without members', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b'))
    await it.log.reset(GROUP, ['readings'], 'latest')
    const log = await it.reopen()
    await log.produce('readings', valued('c'))
    expect((await read(log).records(1)).map(textOf)).toEqual(['c'])
  })

  test('a reset of a running group is told as a new assignment, and reading goes on from there', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b'))
    const reader = read(it.log)
    await reader.records(2)
    await reader.consumer.commit('readings', partitionOfKey(it.log), 2)
    await it.log.reset(GROUP, ['readings'], 'earliest')
    const event = await reader.next()
    expect(
      event.kind === 'assigned' && event.partitions.find((p) => p.partition === partitionOfKey(it.log))?.offsets,
    ).toEqual({
      readings: 0,
    })
    expect((await reader.records(2)).map(textOf)).toEqual(['a', 'b'])
  })

  test('a reset to where the group stands already is told all the same', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b'))
    await it.log.reset(GROUP, ['readings'], 'earliest')
    const reader = read(it.log)
    await reader.records(2)
    await it.log.reset(GROUP, ['readings'], 'earliest')
    expect([(await reader.next()).kind, (await reader.records(2)).length]).toEqual(['assigned', 2])
  })

  test('a commit from before a reset does not move what the reset has set', async () => {
    await using it = await open()
    const partition = partitionOfKey(it.log)
    await it.log.produce('readings', valued('a', 'b', 'c'))
    const reader = read(it.log)
    await reader.records(3)
    await reader.consumer.commit('readings', partition, 1)
    await it.log.reset(GROUP, ['readings'], 'earliest')
    await reader.consumer.commit('readings', partition, 3)
    expect((await it.log.committed(GROUP, ['readings'])).readings?.[partition]).toBe(0)
    await reader.next()
    await reader.consumer.commit('readings', partition, 3)
    expect((await it.log.committed(GROUP, ['readings'])).readings?.[partition]).toBe(0)
    await reader.records(3)
    await reader.consumer.commit('readings', partition, 3)
    expect((await it.log.committed(GROUP, ['readings'])).readings?.[partition]).toBe(3)
  })

  testWith('moves its clock')('a reset to a time goes to the first record appended then or later', async () => {
    await using it = await open()
    const start = it.clock?.wallMs() ?? 0
    for (let i = 0; i < 10; i++) {
      await it.log.produce('readings', valued(`${i}`))
      it.clock?.advance(1000)
    }
    const at = async (wallMs: number) => {
      await it.log.reset(GROUP, ['readings'], { wallMs })
      return (await it.log.committed(GROUP, ['readings'])).readings?.[partitionOfKey(it.log)]
    }
    expect(await at(start + 3000)).toBe(3)
    expect(await at(start + 3001)).toBe(4)
    expect(await at(start - 1)).toBe(0)
    expect(await at(start + DAY)).toBe(10)
  })
}

function flowCases({ open }: MessageLogCases): void {
  test('hands out at most as many records and about as many bytes at a time as asked', async () => {
    await using it = await open()
    await it.log.produce(
      'readings',
      Array.from({ length: 10 }, () => ({ key: KEY, value: new Uint8Array(1000) })),
    )
    expect(await sizes(read(it.log, ['readings'], { maxRecords: 4 }), 10)).toEqual([4, 4, 2])
    const bounded = await sizes(read(it.log, ['readings'], { group: 'bytes', maxBytes: 3500 }), 10)
    expect(Math.max(...bounded)).toBeLessThanOrEqual(4)
  })

  test('hands out a record larger than the bound alone', async () => {
    await using it = await open()
    await it.log.produce(
      'readings',
      [100, 5000, 100].map((size) => ({ key: KEY, value: new Uint8Array(size) })),
    )
    expect(await sizes(read(it.log, ['readings'], { maxBytes: 1000 }), 3)).toEqual([1, 1, 1])
  })

  test('topics whose headers are enough come without values, others with them', async () => {
    await using it = await open()
    for (const topic of ['readings', 'landings'] as const) {
      await it.log.produce(topic, [{ key: KEY, value: bytes('value'), headers: { mark: topic } }])
    }
    const found = await read(it.log, ['readings', 'landings'], { headersOnly: ['readings'] }).records(2)
    const told = found.map((record) => `${record.topic} ${record.headers.mark} ${textOf(record)}`)
    expect(told.sort()).toEqual(['landings landings value', 'readings readings '])
  })

  test('a partition with a long backlog does not keep the others waiting', async () => {
    await using it = await open()
    const send = (partition: number, count: number) =>
      it.log.produce(
        'readings',
        Array.from({ length: count }, () => ({ key: KEY, partition, value: bytes('x') })),
      )
    await send(0, 100)
    await send(1, 1)
    const reader = read(it.log, ['readings'], { maxRecords: 10 })
    await reader.next()
    const order = [await reader.next(), await reader.next()].map((event) => event.kind === 'records' && event.partition)
    expect(order.sort()).toEqual([0, 1])
  })

  test('a member that waits is woken by what is appended', async () => {
    await using it = await open()
    const reader = read(it.log)
    await reader.next()
    const waiting = reader.records(1)
    await it.log.produce('readings', valued('a'))
    expect((await waiting).map(textOf)).toEqual(['a'])
  })

  test('a paused partition waits for its resumption, the others go on; a new assignment forgets the pause', async () => {
    await using it = await open()
    const reader = read(it.log)
    await reader.next()
    reader.consumer.pause(0)
    await it.log.produce(
      'readings',
      [0, 1].map((partition) => ({ key: KEY, partition, value: bytes(`${partition}`) })),
    )
    expect((await reader.records(1)).map(textOf)).toEqual(['1'])
    const waiting = reader.records(1)
    // It waits by now.
    await it.log.produce('landings', valued('to no one'))
    reader.consumer.resume(0)
    expect((await waiting).map(textOf)).toEqual(['0'])
    reader.consumer.pause(0)
    await it.log.reset(GROUP, ['readings'], 'earliest')
    expect((await reader.records(2)).map(textOf).sort()).toEqual(['0', '1'])
  })
}

function endingCases({ open }: MessageLogCases): void {
  test('an aborted iteration throws the reason, also one that waits', async () => {
    await using it = await open()
    const stop = new AbortController()
    const reason = new Error('stop')
    const consumer = it.log.consume({ group: GROUP, topics: ['readings'] })
    const events = consumer.events(stop.signal)[Symbol.asyncIterator]()
    await events.next()
    const waiting = events.next()
    stop.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(consumer.events(stop.signal)[Symbol.asyncIterator]().next()).rejects.toBe(reason)
  })

  test('a member that is disposed ends its iteration, keeps its commits, and commits no more', async () => {
    await using it = await open()
    const partition = partitionOfKey(it.log)
    await it.log.produce('readings', valued('a', 'b'))
    const reader = read(it.log)
    await reader.records(2)
    await reader.consumer.commit('readings', partition, 1)
    const waiting = reader.ended()
    await reader.consumer[Symbol.asyncDispose]()
    await reader.consumer[Symbol.asyncDispose]()
    expect(await waiting).toBe(true)
    expect(await codeOfRejection(reader.consumer.commit('readings', partition, 2))).toBe('log-fenced')
    expect((await (await it.reopen()).committed(GROUP, ['readings'])).readings?.[partition]).toBe(1)
    expect(await follow(reader.consumer).ended()).toBe(true)
  })

  test('a member disposed before it read anything leaves its partitions to others', async () => {
    await using it = await open()
    const early = it.log.consume({ group: GROUP, topics: ['readings'] })
    await early[Symbol.asyncDispose]()
    const reader = read(it.log)
    await reader.next()
    expect(reader.owned.size).toBe(it.log.partitions)
  })
}

const GROUP = 'group'
const DAY = 86_400_000

interface Reader {
  readonly consumer: Consumer
  readonly owned: Set<number>
  next(): Promise<ConsumerEvent>
  /** The next records, until there are `count`; other events are only noted. */
  records(count: number): Promise<LogRecord[]>
  /** Whether the next thing is the end. */
  ended(): Promise<boolean>
}

function read(
  log: MessageLog,
  topics: readonly TopicName[] = ['readings'],
  options: Partial<ConsumeOptions> = {},
): Reader {
  return follow(log.consume({ group: GROUP, topics, ...options }))
}

function follow(consumer: Consumer): Reader {
  const events = consumer.events(never())[Symbol.asyncIterator]()
  const owned = new Set<number>()
  const next = async (): Promise<ConsumerEvent> => {
    const { value, done } = await events.next()
    if (done === true) throw new Error('the events ended')
    const event: ConsumerEvent = value
    if (event.kind === 'assigned') for (const { partition } of event.partitions) owned.add(partition)
    if (event.kind === 'revoked') for (const partition of event.partitions) owned.delete(partition)
    return event
  }
  const records = async (count: number): Promise<LogRecord[]> => {
    const found: LogRecord[] = []
    while (found.length < count) {
      const event = await next()
      if (event.kind === 'records') found.push(...event.records)
    }
    return found
  }
  return { consumer, owned, next, records, ended: async () => (await events.next()).done === true }
}

/** Both told of what they own. */
async function twoMembers(it: MessageLogUnderTest): Promise<[Reader, Reader]> {
  const topics = ['readings', 'recovery_data'] as const
  const one = read(it.log, topics)
  await one.next()
  const two = read(it.log, topics)
  await two.next()
  expect((await one.next()).kind).toBe('revoked')
  return [one, two]
}

async function sizes(reader: Reader, count: number): Promise<number[]> {
  const out: number[] = []
  while (out.reduce((a, b) => a + b, 0) < count) {
    const event = await reader.next()
    if (event.kind === 'records') out.push(event.records.length)
  }
  return out
}

function allPartitions(log: MessageLog): number[] {
  return Array.from({ length: log.partitions }, (_, partition) => partition)
}
