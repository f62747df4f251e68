/** What every message log promises (`services/ports/message-log.ts`): producing, reading one partition, keeping. Groups: `message-log-groups.ts`. */

import { describe, expect, test } from 'vitest'
import { codeOf } from '../../services/core/errors.ts'
import type { LogRecord, MessageLog, Outgoing, TailOptions } from '../../services/ports/message-log.ts'
import { TOPICS, type TopicName } from '../../topics/index.ts'
import { groupCases } from './message-log-groups.ts'

export interface MessageLogUnderTest extends AsyncDisposable {
  /** On topics that hold nothing yet. */
  readonly log: MessageLog
  /** Closes it and opens it again on the same data. */
  reopen(): Promise<MessageLog>
  /** The clock of the log. */
  readonly clock?: { advance(ms: number): void; setWall(ms: number): void; wallMs(): number }
  /** Has the log remove now what it would remove in time. */
  retain?(): Promise<void>
}

export type Ability = 'moves its clock' | 'removes on demand'

export interface MessageLogCases {
  readonly open: () => Promise<MessageLogUnderTest>
  /** `test`, or a named skip with its reason. */
  readonly testWith: (ability: Ability) => (name: string, run: () => Promise<void>) => void
}

/** `lacks` says for each ability the adapter does not have, why. */
export function messageLogContract(
  label: string,
  open: () => Promise<MessageLogUnderTest>,
  lacks: Partial<Record<Ability, string>> = {},
): void {
  const testWith: MessageLogCases['testWith'] = (ability) => (name, run) => {
    const reason = lacks[ability]
    if (reason === undefined) test(name, run)
    else test.skip(`${name} (${reason})`, run)
  }
  describe(`${label} keeps the contract of a message log:`, () => {
    produceCases({ open, testWith })
    tailCases({ open, testWith })
    keepingCases({ open, testWith })
    topicCases({ open, testWith })
    disposalCases({ open, testWith })
    groupCases({ open, testWith })
  })
}

const DAY_MS = 86_400_000

function produceCases({ open, testWith }: MessageLogCases): void {
  test('keeps the order given inside a partition, with offsets that follow each other', async () => {
    await using it = await open()
    const first = await it.log.produce('readings', valued('a', 'b', 'c'))
    const second = await it.log.produce('readings', valued('d'))
    expect([...first, ...second]).toEqual([0, 1, 2, 3])
    expect((await contentOf(it.log, 'readings')).map(textOf)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('hands back key, headers and value as they were given, with topic, partition and offset', async () => {
    await using it = await open()
    const value = Uint8Array.from([0, 1, 255])
    const headers = { mark: '7', 'with space': 'é "quoted"' }
    const [offset] = await it.log.produce('landings', [{ key: 'gâteau', value, headers }])
    const partition = it.log.partitionOf('gâteau')
    const [record] = await contentOf(it.log, 'landings', partition)
    expect(record).toMatchObject({ topic: 'landings', partition, offset, key: 'gâteau', headers })
    expect([...(record?.value ?? [])]).toEqual([0, 1, 255])
  })

  test('brings equal keys of all topics to the partition of the same number', async () => {
    await using it = await open()
    const keys = Array.from({ length: 40 }, (_, i) => `gateway-${i}`)
    expect(new Set(keys.map((key) => it.log.partitionOf(key))).size).toBeGreaterThan(1)
    for (const topic of ['readings', 'landings'] as const) {
      await it.log.produce(
        topic,
        keys.map((key) => ({ key, value: bytes(key) })),
      )
      for (let partition = 0; partition < it.log.partitions; partition++) {
        const found = (await contentOf(it.log, topic, partition)).map(({ key }) => key)
        expect(found).toEqual(keys.filter((key) => it.log.partitionOf(key) === partition))
      }
    }
  })

  test('a partition asked for by number goes before the key', async () => {
    await using it = await open()
    const key = 'a key'
    const partition = (it.log.partitionOf(key) + 1) % it.log.partitions
    await it.log.produce('landings', [{ key, partition, value: bytes('here') }])
    expect((await contentOf(it.log, 'landings', partition)).map(textOf)).toEqual(['here'])
  })

  test('calls made at once get every offset once, each its own in order', async () => {
    await using it = await open()
    const calls = Array.from({ length: 20 }, (_, i) => it.log.produce('readings', valued(`${i}.0`, `${i}.1`, `${i}.2`)))
    const offsets = (await Promise.all(calls)).flat()
    expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i))
    const found = (await contentOf(it.log, 'readings')).map(textOf)
    for (let i = 0; i < 20; i++)
      expect(found.filter((text) => text?.startsWith(`${i}.`))).toEqual([`${i}.0`, `${i}.1`, `${i}.2`])
  })

  test('what has resolved is there after reopening, and offsets go on', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b'))
    const log = await it.reopen()
    expect(await log.produce('readings', valued('c'))).toEqual([2])
    expect((await contentOf(log, 'readings')).map(textOf)).toEqual(['a', 'b', 'c'])
  })

  test('takes a value of 1,000,000 bytes and refuses a larger one with everything beside it', async () => {
    await using it = await open()
    const refused = it.log.produce('readings', [...valued('before'), { key: KEY, value: new Uint8Array(1_000_001) }])
    expect(await codeOfRejection(refused)).toBe('record-too-large')
    await it.log.produce('readings', [{ key: KEY, value: new Uint8Array(1_000_000).fill(7) }])
    const found = await contentOf(it.log, 'readings')
    expect(found.map(({ value }) => value?.length)).toEqual([1_000_000])
    expect(found[0]?.value?.at(-1)).toBe(7)
  })

  test('an aborted call throws the reason and appends nothing', async () => {
    await using it = await open()
    const reason = new Error('stop')
    await expect(it.log.produce('readings', valued('a'), AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(await contentOf(it.log, 'readings')).toEqual([])
    expect(await it.log.produce('readings', [])).toEqual([])
  })

  testWith('moves its clock')('append times are those of the wall clock, also when it goes back', async () => {
    await using it = await open()
    const start = it.clock?.wallMs() ?? 0
    await it.log.produce('readings', valued('a'))
    it.clock?.setWall(start - DAY_MS)
    await it.log.produce('readings', valued('b'))
    it.clock?.setWall(start + 5)
    await (await it.reopen()).produce('readings', valued('c'))
    const times = (await contentOf(await it.reopen(), 'readings')).map(({ appendedMs }) => appendedMs - start)
    expect(times).toEqual([0, -DAY_MS, 5])
  })
}

function tailCases({ open }: MessageLogCases): void {
  test('a tail that wants headers only gets them without values, and tombstones as what they are', async () => {
    await using it = await open()
    await it.log.produce('readings', [
      { key: KEY, value: bytes('long'), headers: { mark: '1' } },
      { key: KEY, value: null },
    ])
    const found = await contentOf(it.log, 'readings', partitionOfKey(it.log), { headersOnly: true })
    expect(found.map(({ value, headers }) => [value?.length ?? null, headers])).toEqual([
      [0, { mark: '1' }],
      [null, {}],
    ])
  })

  test('a tail begins where it is told and ends before `until`, at once when nothing lies before it', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b', 'c', 'd'))
    const partition = partitionOfKey(it.log)
    const tail = (from: TailOptions['from'], until: number) => contentOf(it.log, 'readings', partition, { from, until })
    expect((await tail(1, 3)).map(textOf)).toEqual(['b', 'c'])
    expect(await tail('earliest', 0)).toEqual([])
    expect(await tail(3, 2)).toEqual([])
    expect(await tail('latest', 4)).toEqual([])
  })

  test('a tail hands out at most as many records at a time as asked', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b', 'c'))
    const sizes: number[] = []
    const options: TailOptions = {
      topic: 'readings',
      partition: partitionOfKey(it.log),
      from: 0,
      maxRecords: 2,
      until: 3,
    }
    for await (const records of it.log.tail(options, never())) sizes.push(records.length)
    expect(sizes.every((size) => size <= 2) && sizes.reduce((a, b) => a + b) === 3).toBe(true)
  })

  test('a tail without end waits for what comes, from the latest on nothing older', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('old'))
    const options: TailOptions = { topic: 'readings', partition: partitionOfKey(it.log), from: 'latest' }
    const tail = it.log.tail(options, never())[Symbol.asyncIterator]()
    const first = tail.next()
    // The tail has looked for its place before anything is appended.
    await it.log.offsets('readings')
    await it.log.produce('readings', valued('new'))
    expect((await first).value.map(textOf)).toEqual(['new'])
    await it.log.produce('readings', valued('newer'))
    expect((await tail.next()).value.map(textOf)).toEqual(['newer'])
  })

  test('a tail that waits throws the reason when aborted, one aborted before reads nothing', async () => {
    await using it = await open()
    const stop = new AbortController()
    const reason = new Error('stop')
    const options: TailOptions = { topic: 'readings', partition: 0, from: 'earliest' }
    const waiting = it.log.tail(options, stop.signal)[Symbol.asyncIterator]().next()
    stop.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(it.log.tail(options, stop.signal)[Symbol.asyncIterator]().next()).rejects.toBe(reason)
  })
}

function keepingCases({ open, testWith }: MessageLogCases): void {
  const retained = testWith('removes on demand')

  retained('keeps a record for the days of its topic, and what is kept for ever for ever', async () => {
    await using it = await open()
    const { log } = it
    for (const topic of ['readings', 'landings', 'quarantine'] as const)
      await log.produce(topic, valued('old', 'old too'))
    it.clock?.advance(5 * DAY_MS)
    await log.produce('readings', valued('young'))
    it.clock?.advance(3 * DAY_MS)
    await it.retain?.()
    expect((await contentOf(log, 'readings')).map(textOf)).toEqual(['young'])
    expect((await log.offsets('readings'))[partitionOfKey(log)]).toEqual({ first: 2, next: 3 })
    it.clock?.advance(23 * DAY_MS)
    await it.retain?.()
    expect((await log.offsets('readings'))[partitionOfKey(log)]).toEqual({ first: 3, next: 3 })
    expect(await contentOf(log, 'landings')).toEqual([])
    expect((await contentOf(log, 'quarantine')).length).toBe(2)
    const events = log
      .consume({ group: 'late', topics: ['readings'] })
      .events(never())
      [Symbol.asyncIterator]()
    const { value: assigned } = await events.next()
    expect(assigned.partitions[partitionOfKey(log)].offsets).toEqual({ readings: 3 })
    expect(await log.produce('readings', valued('later'))).toEqual([3])
  })

  retained('a tail from an offset that is gone begins at the first one kept', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('old'))
    it.clock?.advance(8 * DAY_MS)
    await it.log.produce('readings', valued('young'))
    await it.retain?.()
    const options = { from: 0, until: 2 }
    expect((await contentOf(it.log, 'readings', partitionOfKey(it.log), options)).map(textOf)).toEqual(['young'])
  })

  retained(
    'a compacted topic keeps the newest record of every key, and forgets a key after its tombstone',
    async () => {
      await using it = await open()
      const send = (key: string, value: string | null) =>
        it.log.produce('manifests', [{ key, partition: 0, value: value === null ? null : bytes(value) }])
      for (const [key, value] of [
        ['a', '1'],
        ['b', '1'],
        ['a', '2'],
        ['c', '1'],
        ['a', '3'],
        ['c', null],
      ] as const) {
        await send(key, value)
      }
      await it.retain?.()
      const found = await contentOf(it.log, 'manifests', 0)
      expect(found.map((record) => [record.key, textOf(record)])).toEqual([
        ['b', '1'],
        ['a', '3'],
        ['c', null],
      ])
      it.clock?.advance(400 * DAY_MS)
      await it.retain?.()
      expect((await contentOf(it.log, 'manifests', 0)).map(({ key }) => key)).toEqual(['b', 'a'])
      await send('c', 'again')
      expect((await contentOf(it.log, 'manifests', 0)).map(({ key }) => key)).toEqual(['b', 'a', 'c'])
      expect((await it.log.listTopics()).find(({ name }) => name === 'manifests')?.records).toBe(3)
    },
  )
}

function topicCases({ open }: MessageLogCases): void {
  test('lists every declared topic with what it holds, and no difference once they were applied', async () => {
    await using it = await open()
    await it.log.applyTopics()
    await it.log.applyTopics()
    await it.log.produce('readings', valued('a', 'b'))
    const topics = await it.log.listTopics()
    expect(topics.map(({ name }) => name).sort()).toEqual(Object.keys(TOPICS).sort())
    for (const topic of topics) expect(topic).toMatchObject({ partitions: it.log.partitions, differences: [] })
    const readings = topics.find(({ name }) => name === 'readings')
    expect(readings?.records).toBe(2)
    expect(readings?.bytes).toBeGreaterThan(1)
  })

  test('says where each partition begins and ends', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b'))
    const offsets = await it.log.offsets('readings')
    expect(offsets.length).toBe(it.log.partitions)
    expect(offsets.filter(({ next }) => next > 0)).toEqual([{ first: 0, next: 2 }])
  })

  test('answers a probe', async () => {
    await using it = await open()
    await expect(it.log.probe(never())).resolves.toBeUndefined()
    const reason = new Error('stop')
    await expect(it.log.probe(AbortSignal.abort(reason))).rejects.toBe(reason)
  })
}

function disposalCases({ open }: MessageLogCases): void {
  test('closing it ends who waits in a tail or a group, and may be done twice', async () => {
    await using it = await open()
    const tail = it.log.tail({ topic: 'readings', partition: 0, from: 'earliest' }, never())[Symbol.asyncIterator]()
    const group = it.log
      .consume({ group: 'g', topics: ['readings'] })
      .events(never())
      [Symbol.asyncIterator]()
    await group.next()
    const waiting = [tail.next(), group.next()]
    await Promise.all([it.log[Symbol.asyncDispose](), it.log[Symbol.asyncDispose]()])
    await it.log[Symbol.asyncDispose]()
    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true])
  })

  test('once closed it refuses everything', async () => {
    await using it = await open()
    await it.log[Symbol.asyncDispose]()
    const calls: (() => unknown)[] = [
      () => it.log.produce('readings', valued('a')),
      () => it.log.consume({ group: 'g', topics: ['readings'] }),
      () => contentOf(it.log, 'readings', 0, { until: 1 }),
      () => it.log.offsets('readings'),
      () => it.log.reset('g', ['readings'], 'earliest'),
      () => it.log.probe(never()),
    ]
    for (const call of calls) expect(await codeOfRejection(Promise.resolve().then(call))).toBe('closed')
  })
}

/** The key of `valued`. */
export const KEY = 'gateway-1'

/** A record a text, all under one key. */
export function valued(...texts: readonly string[]): Outgoing[] {
  return texts.map((text) => ({ key: KEY, value: bytes(text) }))
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf({ value }: LogRecord): string | null {
  return value === null ? null : new TextDecoder().decode(value)
}

export function partitionOfKey(log: MessageLog): number {
  return log.partitionOf(KEY)
}

export function never(): AbortSignal {
  return new AbortController().signal
}

export async function codeOfRejection(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(() => undefined, codeOf)
}

/** What one partition holds (that of `KEY`, where none is named). */
export async function contentOf(
  log: MessageLog,
  topic: TopicName,
  partition = partitionOfKey(log),
  options: Partial<TailOptions> = {},
): Promise<LogRecord[]> {
  const until = options.until ?? (await log.offsets(topic))[partition]?.next ?? 0
  const found: LogRecord[] = []
  const tail = log.tail({ topic, partition, from: 'earliest', ...options, until }, never())
  for await (const records of tail) found.push(...records)
  return found
}
