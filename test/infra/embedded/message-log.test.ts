/** The embedded message log: the contract on both engines, and what only it promises. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Kv } from '../../../infra/embedded/kv.ts'
import { recordKey } from '../../../infra/embedded/log-rows.ts'
import { type EmbeddedMessageLog, embeddedMessageLog } from '../../../infra/embedded/message-log.ts'
import type { Consumer, ConsumerEvent, LogRecord, MessageLog } from '../../../services/ports/message-log.ts'
import {
  codeOfRejection,
  contentOf,
  KEY,
  type MessageLogUnderTest,
  messageLogContract,
  never,
  textOf,
  valued,
} from '../../contract/message-log.ts'
import { lmdbUnderTest } from '../../support/lmdb-under-test.ts'
import { memoryDisk, memoryKv } from '../../support/memory-kv.ts'
import { type SteppedClock, steppedClock } from '../../support/stepped-clock.ts'

messageLogContract('embeddedMessageLog in memory', async () => {
  const disk = memoryDisk()
  return logUnderTest(memoryKv(disk), async () => memoryKv(disk))
})

messageLogContract('embeddedMessageLog on LMDB', async () => {
  const lmdb = await lmdbUnderTest()
  return logUnderTest(lmdb.kv, lmdb.reopen, lmdb)
})

function logUnderTest(first: Kv, reopenKv: () => Promise<Kv>, files?: AsyncDisposable): MessageLogUnderTest {
  const clock = steppedClock()
  const log = embeddedMessageLog({ kv: first, clock })
  let latest: { kv: Kv; log: EmbeddedMessageLog } = { kv: first, log }
  const close = async (): Promise<void> => {
    await latest.log[Symbol.asyncDispose]()
    await latest.kv[Symbol.asyncDispose]()
  }
  return {
    log,
    clock,
    retain: async () => {
      await latest.log.retain()
    },
    reopen: async () => {
      await close()
      const kv = await reopenKv()
      latest = { kv, log: embeddedMessageLog({ kv, clock }) }
      return latest.log
    },
    [Symbol.asyncDispose]: async () => {
      await close()
      await files?.[Symbol.asyncDispose]()
    },
  }
}

describe('a record whose bytes rotted', () => {
  test('comes with a header that says so and the bytes that were found, and the others come as they are', async () => {
    const { kv, log } = inMemory()
    await log.produce('readings', valued('sound', 'rotten value', 'lost value', 'rotten head', 'sound too'))
    const place = { topic: 'readings', partition: log.partitionOf(KEY) } as const
    await kv.write((tx) => {
      tx.put(recordKey('v', place, 1), flipped(tx.get(recordKey('v', place, 1))))
      tx.delete(recordKey('v', place, 2))
      tx.put(recordKey('h', place, 3), flipped(tx.get(recordKey('h', place, 3))))
    })
    const found = await contentOf(log, 'readings')
    expect(found.map(({ headers }) => headers['tidemark-corrupt'])).toEqual([undefined, '1', '1', '1', undefined])
    expect(found.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4])
    expect(found[2]?.value?.length).toBe(0)
    expect(found[3] && textOf(found[3])).toBe('rotten head')
    await log[Symbol.asyncDispose]()
  })

  test('a head in the place of another is as bad as a rotten one', async () => {
    const { kv, log } = inMemory()
    await log.produce('readings', valued('a', 'b'))
    const place = { topic: 'readings', partition: log.partitionOf(KEY) } as const
    await kv.write((tx) => tx.put(recordKey('h', place, 1), tx.get(recordKey('h', place, 0)) ?? new Uint8Array(0)))
    expect((await contentOf(log, 'readings')).map(({ headers }) => headers['tidemark-corrupt'])).toEqual([
      undefined,
      '1',
    ])
  })
})

describe('room', () => {
  test('when short, the oldest readings and answers go first, and never what is kept for ever', async () => {
    const { log, clock } = inMemory(30_000)
    const value = new Uint8Array(1000)
    for (const topic of ['landings', 'quarantine', 'readings', 'recovery_data'] as const) {
      for (let i = 0; i < 20; i++) {
        await log.produce(topic, [{ key: KEY, value }])
        clock.advance(1)
      }
    }
    await log.retain()
    const held = new Map((await log.listTopics()).map(({ name, records }) => [name, records]))
    expect(held.get('readings')).toBe(0)
    expect(held.get('recovery_data')).toBe(0)
    expect(held.get('quarantine')).toBe(20)
    const bytes = (await log.listTopics()).reduce((sum, topic) => sum + topic.bytes, 0)
    expect(bytes).toBeLessThanOrEqual(30_000)
  })

  test('a log that grows past its bytes removes by itself', async () => {
    const { log } = inMemory(100_000)
    for (let i = 0; i < 400; i++) await log.produce('readings', [{ key: KEY, value: new Uint8Array(1000) }])
    await until(async () => (await log.listTopics()).every(({ bytes }) => bytes <= 110_000))
  })

  test('every hour what is too old goes by itself', async () => {
    const { log, clock } = inMemory()
    await log.produce('readings', valued('old'))
    await until(async () => clock.sleepers() > 0)
    clock.advance(8 * 86_400_000)
    await until(async () => (await log.listTopics()).every(({ records }) => records === 0))
    await log[Symbol.asyncDispose]()
  })
})

describe('topics', () => {
  test('are missing until applied, and a changed number of partitions is refused', async () => {
    const { kv, log } = inMemory()
    expect((await log.listTopics())[0]?.differences).toEqual(['not applied yet'])
    await log.applyTopics()
    await kv.write((tx) => tx.put(Buffer.from('log.t\0readings'), new Uint8Array(Float64Array.of(3).buffer)))
    await expect(log.applyTopics()).rejects.toMatchObject({ code: 'topics-differ' })
    const readings = (await log.listTopics()).find(({ name }) => name === 'readings')
    expect(readings?.differences).toEqual(['has 3 partitions, declared are 12'])
  })
})

describe('a group', () => {
  test('misses nothing, whoever joins, leaves or starts over, and whatever is committed when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { log } = inMemory()
        const seen = new Set<string>()
        const members: Follower[] = []
        let sent = 0
        for (const { act, which } of steps) {
          if (act === 'send') await log.produce('readings', [{ key: `k${which}`, value: Buffer.from(`${sent++}`) }])
          else if (act === 'join') members.push(newFollower(log))
          else if (act === 'reset') await log.reset('g', ['readings'], 'earliest')
          else await actions[act](members, which % Math.max(1, members.length), seen)
        }
        for (const { consumer } of members) await consumer[Symbol.asyncDispose]()
        const last = newFollower(log)
        while (await take(last, seen)) await commitAll(last)
        expect(seen.size).toBe(sent)
        await log[Symbol.asyncDispose]()
      }),
      { numRuns: 300 },
    )
  })

  test('goes back by a reset only, not by a commit', async () => {
    const { log } = inMemory()
    await log.produce('readings', valued('a', 'b'))
    const partition = log.partitionOf(KEY)
    const { consumer, events } = newFollower(log)
    await events.next()
    await events.next()
    for (const next of [2, 1]) await consumer.commit('readings', partition, next)
    expect((await log.committed('g', ['readings'])).readings?.[partition]).toBe(2)
  })

  test('thirteen members share twelve partitions: one waits and takes over', async () => {
    const { log } = inMemory()
    const members = Array.from({ length: log.partitions + 1 }, () => newFollower(log))
    const first = await Promise.all(members.map(({ events }) => events.next()))
    expect(first.map(({ value }) => value.partitions.length)).toEqual([...Array(log.partitions).fill(1), 0])
    const waiting = members.at(-1)?.events.next()
    await members[0]?.consumer[Symbol.asyncDispose]()
    expect((await waiting)?.value).toMatchObject({ kind: 'assigned', partitions: [{ partition: 11 }] })
  })
})

interface Follower {
  readonly consumer: Consumer
  events: AsyncIterator<ConsumerEvent>
  /** Asked for and not come yet. */
  pending: Promise<IteratorResult<ConsumerEvent>> | undefined
  /** The last records handed out; the test commits after them some time later. */
  handled: LogRecord | undefined
}

const step = fc.record({
  act: fc.constantFrom(
    'send',
    'send',
    'send',
    'join',
    'leave',
    'take',
    'take',
    'take',
    'commit',
    'again',
    'far',
    'reset',
  ),
  which: fc.nat(20),
})

const actions = {
  leave: async (members: Follower[], index: number) => {
    await members.splice(index, 1)[0]?.consumer[Symbol.asyncDispose]()
  },
  take: async (members: Follower[], index: number, seen: Set<string>) => {
    const member = members[index]
    if (member !== undefined) await take(member, seen)
  },
  commit: async (members: Follower[], index: number) => {
    const member = members[index]
    if (member !== undefined) await commitAll(member)
  },
  again: async (members: Follower[], index: number) => {
    const member = members[index]
    if (member === undefined) return
    member.events = member.consumer.events(never())[Symbol.asyncIterator]()
    member.pending = undefined
  },
  /** Past anything that was handed out. */
  far: async (members: Follower[], index: number) => {
    await members[index]?.consumer.commit('readings', index % 12, 1_000_000).catch(() => undefined)
  },
}

function newFollower(log: MessageLog): Follower {
  const consumer = log.consume({ group: 'g', topics: ['readings'], maxRecords: 2 })
  return { consumer, events: consumer.events(never())[Symbol.asyncIterator](), pending: undefined, handled: undefined }
}

/** Takes the next event if there is one, and says whether there was. */
async function take(member: Follower, seen: Set<string>): Promise<boolean> {
  member.pending ??= member.events.next()
  const nothing = turns(20).then(() => undefined)
  const came = await Promise.race([member.pending, nothing])
  if (came === undefined) return false
  member.pending = undefined
  if (came.done === true) return false
  if (came.value.kind !== 'records') return true
  for (const record of came.value.records) seen.add(textOf(record) ?? '')
  member.handled = came.value.records.at(-1)
  return true
}

async function commitAll({ consumer, handled }: Follower): Promise<void> {
  if (handled === undefined) return
  const fenced = await codeOfRejection(consumer.commit('readings', handled.partition, handled.offset + 1))
  expect([undefined, 'log-fenced']).toContain(fenced)
}

function inMemory(maxBytes?: number): { kv: Kv; log: EmbeddedMessageLog; clock: SteppedClock } {
  const kv = memoryKv()
  const clock = steppedClock()
  return { kv, clock, log: embeddedMessageLog({ kv, clock, ...(maxBytes === undefined ? {} : { maxBytes }) }) }
}

function flipped(row: Uint8Array | undefined): Uint8Array {
  const bytes = new Uint8Array(row ?? [])
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
  return bytes
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) if (await condition()) return
  expect.unreachable('the condition never came true')
}
