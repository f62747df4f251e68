/** The message log when Kafka, the link or a member fails: nothing acknowledged is lost, everybody goes on by himself, nobody hangs. */

import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startKafka } from '../../../infra/kafka/launcher.ts'
import { codeOf } from '../../../services/core/errors.ts'
import { bytes, codeOfRejection, KEY, never, textOf, valued } from '../../contract/message-log.ts'
import { engineTests } from '../../support/engines.ts'
import { kafkaLogUnderTest } from './log-under-test.ts'
import { FreezableLink, GroupReader, memberCount, produceUntil, StepReader, tailInto, until } from './readers.ts'

const engines = engineTests('kafka')
const GROUP = 'group'
/** Several heartbeats long: partitions would have moved by then. */
const WORK_MS = 1_000

engines.describe('a Kafka that is killed and started again', () => {
  test('holds every acknowledged record in order, and members and tails go on to them', async () => {
    await using kafka = await startKafka()
    await using it = await kafkaLogUnderTest(kafka.brokers)
    const stop = new AbortController()
    const [acknowledged, tailed]: [string[], string[]] = [[], []]
    const producing = produceUntil(it.log, stop.signal, acknowledged)
    const member = new GroupReader(it.log.consume({ group: GROUP, topics: ['readings'] }))
    const stopTail = new AbortController()
    const tailing = tailInto(it.log, tailed, stopTail.signal)
    await until(() => acknowledged.length > 50 && member.values.length > 20, 'records before the crash')
    await kafka.kill()
    const atCrash = acknowledged.length
    await kafka.start()
    await until(() => acknowledged.length > atCrash + 50, 'records after the crash')
    stop.abort()
    await producing.catch(() => undefined)
    const last = acknowledged.at(-1) ?? ''
    await until(() => member.values.includes(last) && tailed.includes(last), 'the last record')
    stopTail.abort()
    await Promise.all([member.end(), tailing])
    // What was sent again after a failure may stand there twice; what was acknowledged stands in the order of its sending.
    for (const values of [member.values, tailed]) {
      expect([...new Set(values)].slice(0, acknowledged.length)).toEqual(acknowledged)
    }
  })
})

engines.describe('members of one group', () => {
  test('hand partitions over without handing out anything twice, while members come and go', async () => {
    const { brokers } = await engines.kafka()
    await using it = await kafkaLogUnderTest(brokers, { times: { graceMs: 5_000 } })
    const stop = new AbortController()
    const acknowledged: string[] = []
    const producing = produceUntil(it.log, stop.signal, acknowledged, (value) => value % it.log.partitions)
    const members: GroupReader[] = []
    const join = (): void => {
      members.push(new GroupReader(it.another().consume({ group: GROUP, topics: ['readings'] })))
    }
    const everybodyReads = () => until(() => members.every(({ values }) => values.length > 0), 'a record for everybody')
    join()
    await everybodyReads()
    join()
    join()
    await everybodyReads()
    await members[0]?.end()
    join()
    await everybodyReads()
    stop.abort()
    await producing
    const came = (): string[] => members.flatMap(({ values }) => values)
    await until(() => new Set(came()).size === acknowledged.length, 'every record')
    expect(
      came()
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(acknowledged.map(Number))
    await Promise.all(members.map((member) => member.end()))
  })

  test('a reader that is at work when partitions are to move finishes first, and its commits count', async () => {
    const { brokers } = await engines.kafka()
    await using it = await kafkaLogUnderTest(brokers, { times: { graceMs: 10_000 } })
    const partitions = Array.from({ length: it.log.partitions }, (_, partition) => partition)
    const produce = (text: string) =>
      it.log.produce(
        'readings',
        partitions.map((partition) => ({ key: KEY, partition, value: bytes(text) })),
      )
    await produce('old')
    const consume = { group: GROUP, topics: ['readings'] } as const
    const one = new StepReader(it.log.consume(consume), never())
    for (const partition of partitions) await one.recordOf(partition)
    const two = new StepReader(it.another().consume(consume), never())
    const assigned = two.next()
    await wait(WORK_MS)
    for (const partition of partitions) await one.consumer.commit('readings', partition, 1)
    const revoked = await one.next()
    expect([revoked.kind, (await assigned).kind]).toEqual(['revoked', 'assigned'])
    await produce('new')
    for (const partition of two.owned) expect(textOf(await two.recordOf(partition))).toBe('new')
  })

  test('one that stands still past its session is fenced, one whose reader works for as long is not', async () => {
    const { brokers } = await engines.kafka()
    await using it = await kafkaLogUnderTest(brokers)
    await it.log.produce(
      'readings',
      Array.from({ length: it.log.partitions }, (_, partition) => ({ key: KEY, partition, value: bytes('x') })),
    )
    const link = new FreezableLink()
    const consume = { group: GROUP, topics: ['readings'] } as const
    const still = new StepReader(it.another({ connect: link.connect }).consume(consume), never())
    await still.untilOwning(12)
    const busy = new StepReader(it.log.consume(consume), never())
    await busy.next()
    await still.untilOwning(6)
    const [lost, kept] = [[...still.owned][0] ?? -1, [...busy.owned][0] ?? -1]
    await Promise.all([still.recordOf(lost), busy.recordOf(kept)])
    link.freeze()
    await until(async () => (await memberCount(brokers, it.prefix + GROUP)) === 1, 'the end of the session')
    // Its reader has asked for nothing all the while.
    await busy.consumer.commit('readings', kept, 1)
    await busy.untilOwning(12)
    link.thaw()
    expect(await codeOfRejection(still.consumer.commit('readings', lost, 1))).toBe('log-fenced')
    const committed = (await it.log.committed(GROUP, ['readings'])).readings
    expect([committed?.[kept], committed?.[lost]]).toEqual([1, null])
  })
})

engines.describe('a Kafka that is away', () => {
  test('at the start: every call says so with the address and what to do, and they work once it has come', async () => {
    await using kafka = await startKafka()
    await using it = await kafkaLogUnderTest(kafka.brokers)
    await it.log.produce('readings', valued('a'))
    await kafka.kill()
    const log = it.another({ times: { awayMs: 500 } })
    const consumer = log.consume({ group: GROUP, topics: ['readings'] })
    const calls: (() => Promise<unknown>)[] = [
      () => log.probe(never()),
      () => log.produce('readings', valued('b')),
      () => log.offsets('readings'),
      () => log.committed(GROUP, ['readings']),
      () => log.listTopics(),
      () => log.reset(GROUP, ['readings'], 'earliest'),
      () => consumer.events(never())[Symbol.asyncIterator]().next(),
      () => log.tail({ topic: 'readings', partition: 0, from: 0 }, never())[Symbol.asyncIterator]().next(),
    ]
    const failures = await Promise.all(calls.map((call) => call().catch((error: unknown) => error)))
    expect(failures.map(codeOf)).toEqual(calls.map(() => 'log-unavailable'))
    for (const failure of failures) expect(String(failure)).toContain('check KAFKA_BROKERS')
    await kafka.start()
    const reader = new GroupReader(consumer)
    await until(() => reader.values.includes('a'), 'the record')
    expect(await log.produce('readings', valued('c'))).toEqual([1])
    await reader.end()
  })

  test('without a word, as behind a dead link: calls end in time, and closing takes less than 5 s', async () => {
    await using kafka = await startKafka()
    await using it = await kafkaLogUnderTest(kafka.brokers)
    const log = it.another({ times: { requestMs: 1_000, produceMs: 2_000, connectMs: 500 } })
    const reader = new GroupReader(log.consume({ group: GROUP, topics: ['readings'] }))
    await log.produce('readings', valued('1'))
    await until(() => reader.values.length > 0, 'the record')
    kafka.pause()
    let [code, tookMs]: [string | undefined, number] = [undefined, 0]
    // What was on its way when it stopped may still be answered.
    while (code === undefined) {
      const beganMs = performance.now()
      code = await codeOfRejection(log.produce('readings', valued('2')))
      tookMs = performance.now() - beganMs
    }
    expect(code).toBe('log-unavailable')
    expect(tookMs).toBeLessThan(4_000)
    const waiting = codeOfRejection(log.produce('readings', valued('3')))
    const closingMs = performance.now()
    await log[Symbol.asyncDispose]()
    expect(performance.now() - closingMs).toBeLessThan(5_000)
    expect(['closed', 'log-unavailable']).toContain(await waiting)
    kafka.resume()
  })
})
