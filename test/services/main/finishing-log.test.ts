/** An orderly end of a reader: what it has in hand it may finish and commit, and then it hears of nothing more. */

import { pino } from 'pino'
import { expect, test } from 'vitest'
import { embeddedMessageLog } from '../../../infra/embedded/message-log.ts'
import { embeddedReadingStore } from '../../../infra/embedded/reading-store.ts'
import { embeddedSchemaRegistry } from '../../../infra/embedded/schema-registry.ts'
import { systemClock, systemRandom } from '../../../infra/system.ts'
import type { Epoch, GatewayId } from '../../../schemas/reading.ts'
import { openWireCodec } from '../../../schemas/wire-codec.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import { finishingLog } from '../../../services/main/finishing-log.ts'
import type { Consumer, ConsumerEvent, MessageLog } from '../../../services/ports/message-log.ts'
import type { ReadingStore } from '../../../services/ports/reading-store.ts'
import { Sink } from '../../../services/sink/sink.ts'
import { memoryKv } from '../../support/memory-kv.ts'

/** Hands out one event, then waits as a real one does. */
function logOf(event: ConsumerEvent) {
  const done: string[] = []
  const consumer: Consumer = {
    async *events(signal) {
      signal.throwIfAborted()
      yield event
      await new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason)
        else signal.addEventListener('abort', () => reject(signal.reason))
      })
    },
    commit: async (topic, partition, next) => void done.push(`commit ${topic} ${partition} ${next}`),
    pause: () => undefined,
    resume: () => undefined,
    [Symbol.asyncDispose]: async () => void done.push('left'),
  }
  const messageLog = { partitions: 1, consume: () => consumer } as unknown as MessageLog
  return { messageLog, done }
}

const RECORDS: ConsumerEvent = { kind: 'records', topic: 'readings', partition: 3, records: [] }

test('what is in hand is committed after the end was asked for, and the events end without an error', async () => {
  const finish = new AbortController()
  const { messageLog, done } = logOf(RECORDS)
  {
    await using consumer = finishingLog(messageLog, finish.signal).consume({ group: 'g', topics: ['readings'] })
    for await (const event of consumer.events(new AbortController().signal)) {
      finish.abort(new TidemarkError('interrupted'))
      if (event.kind === 'records') await consumer.commit(event.topic, event.partition, 8)
    }
  }
  expect(done).toEqual(['commit readings 3 8', 'left'])
})

test('a reader that waits is let go at once, and one that begins later gets nothing', async () => {
  const finish = new AbortController()
  const log = finishingLog(logOf(RECORDS).messageLog, finish.signal)
  const events = log.consume({ group: 'g', topics: ['readings'] }).events(new AbortController().signal)
  const reader = events[Symbol.asyncIterator]()
  expect((await reader.next()).done).toBe(false)
  const next = reader.next()
  finish.abort(new TidemarkError('interrupted'))
  expect((await next).done).toBe(true)
  const late = log.consume({ group: 'g', topics: ['readings'] }).events(new AbortController().signal)
  expect((await late[Symbol.asyncIterator]().next()).done).toBe(true)
})

test("the reader's own signal ends it as ever, with its reason", async () => {
  const end = new AbortController()
  const log = finishingLog(logOf(RECORDS).messageLog, new AbortController().signal)
  const reader = log
    .consume({ group: 'g', topics: ['readings'] })
    .events(end.signal)
    [Symbol.asyncIterator]()
  await reader.next()
  const next = reader.next()
  end.abort(new TidemarkError('closed'))
  await expect(next).rejects.toMatchObject({ code: 'closed' })
})

test('a sink that is asked to end lands and commits the batch in its hands, then ends', async () => {
  const messageLog = embeddedMessageLog({ kv: memoryKv(), clock: systemClock })
  await messageLog.applyTopics()
  const codec = await openWireCodec(embeddedSchemaRegistry(memoryKv()), new Map())
  const held = embeddedReadingStore({ kv: memoryKv(), name: 'embedded', random: systemRandom })
  const gate = { reached: () => {}, open: () => {} }
  const [reached, opened] = [
    new Promise<void>((resolve) => {
      gate.reached = resolve
    }),
    new Promise<void>((resolve) => {
      gate.open = resolve
    }),
  ]
  const store: ReadingStore = {
    ...held,
    write: async (readings, signal) => {
      if (readings.length > 0) {
        gate.reached()
        await opened
      }
      return held.write(readings, signal)
    },
  }
  const finish = new AbortController()
  const common = { clock: systemClock, random: systemRandom, logger: pino({ level: 'silent' }) }
  const sink = new Sink({ ...common, codec, store, messageLog: finishingLog(messageLog, finish.signal) })
  const gateway = 'shed' as GatewayId
  const time = { ms: 1_000, ns: 0, bumpNs: 0 }
  const digest = new Uint8Array(16)
  const reading = { seq: 1, type: 't', sensor: 's', ...time, values: { x: 1 }, labels: {}, estimated: false, digest }
  const mark = { highWater: 1, head: 1, finals: [] }
  const epoch = '00c0ffee00c0ffee' as Epoch
  const value = await codec.encode('readings', { kind: 'batch', gateway, epoch, type: 't', mark, readings: [reading] })
  await messageLog.produce('readings', [{ key: gateway, value }])

  const running = sink.run(new AbortController().signal)
  await reached
  finish.abort(new TidemarkError('interrupted'))
  gate.open()
  await running
  const committed = await messageLog.committed('sink-embedded', ['readings'])
  expect(committed.readings?.[messageLog.partitionOf(gateway)]).toBe(1)
  expect(sink.counts.stored).toBe(1)
})
