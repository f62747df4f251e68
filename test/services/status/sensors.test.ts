/** The sensors of a gateway: from its manifests' keys, each read once; from the store before any has come. */

import { expect, test } from 'vitest'
import { embeddedMessageLog } from '../../../infra/embedded/message-log.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import type { MessageLog } from '../../../services/ports/message-log.ts'
import type { ReadingStore } from '../../../services/ports/reading-store.ts'
import { SensorNames } from '../../../services/status/sensors.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { memoryKv } from '../../support/memory-kv.ts'

const signal = new AbortController().signal

async function sensors(stored: readonly string[] = []) {
  const clock = manualClock()
  const messageLog = embeddedMessageLog({ kv: memoryKv(), clock })
  await messageLog.applyTopics()
  const gateways = Array.from({ length: 1000 }, (_, i) => `g${i}`)
  const state = { isAway: false, read: 0 }
  const counting: MessageLog = {
    ...messageLog,
    partitions: messageLog.partitions,
    partitionOf: (key) => messageLog.partitionOf(key),
    offsets: (topic) => messageLog.offsets(topic),
    tail: async function* (options, end) {
      for await (const records of messageLog.tail(options, end)) {
        state.read += records.length
        yield records
      }
    },
  }
  const store = {
    name: 'embedded',
    read: async function* () {
      yield stored.map((sensor) => ({ gateway: 'g', source: 'live', reading: { type: 't', sensor } }))
    },
  } as unknown as ReadingStore
  const names = new SensorNames({
    clock,
    log: async () => {
      if (state.isAway) throw new TidemarkError('log-unavailable', 'none here')
      return counting
    },
    stores: stored.length === 0 ? [] : [{ name: 'embedded', open: async () => store }],
    breathe: async () => undefined,
    signal,
  })
  return {
    clock,
    state,
    /** Its records stand in the partition of those of `g`. */
    neighbour: gateways.find((each) => messageLog.partitionOf(each) === messageLog.partitionOf('g')) ?? '',
    of: async (gateway: string) =>
      (await names.of(gateway, signal)).sensors.map(({ type, sensor }) => `${type}/${sensor}`),
    publish: (gateway: string, type: string, sensor: string, day = '2026-11-22') => {
      const record = { key: `${gateway}/j1/${type}/${sensor}/${day}`, partition: 0, value: new Uint8Array([1]) }
      return messageLog.produce('manifests', [{ ...record, partition: messageLog.partitionOf(gateway) }])
    },
  }
}

test('names each sensor of the gateway once, by type and name, and none of a gateway whose name begins alike', async () => {
  const it = await sensors()
  await it.publish('g', 'temperature', 'roof')
  await it.publish(it.neighbour, 'temperature', 'attic')
  await it.publish('g', 'temperature', 'roof', '2026-11-23')
  await it.publish('g', 'air', 'cpu=cpu0,host=a')
  await it.publish('g2', 'temperature', 'cellar')
  expect(await it.of('g')).toEqual(['air/cpu=cpu0,host=a', 'temperature/roof'])
  expect(await it.of('g2')).toEqual(['temperature/cellar'])
})

test('reads only what came since it was asked last, and not at all within five seconds', async () => {
  const it = await sensors()
  await it.publish('g', 't', 'a')
  await it.of('g')
  await it.publish('g', 't', 'b')
  expect(await it.of('g')).toEqual(['t/a'])
  expect(it.state.read).toBe(1)
  await it.clock.advance(5000)
  expect(await it.of('g')).toEqual(['t/a', 't/b'])
  expect(it.state.read).toBe(2)
})

test('asks the store where no manifest has come yet, or there is no log', async () => {
  const it = await sensors(['b', 'a', 'b'])
  expect(await it.of('g')).toEqual(['t/a', 't/b'])
  it.state.isAway = true
  await it.clock.advance(5000)
  expect(await it.of('g')).toEqual(['t/a', 't/b'])
})

test('says that the log is away where no store can be read either, and goes on with what it knew', async () => {
  const it = await sensors()
  it.state.isAway = true
  await expect(it.of('g')).rejects.toThrow('none here')
  it.state.isAway = false
  await it.publish('g', 't', 'a')
  expect(await it.of('g')).toEqual(['t/a'])
  it.state.isAway = true
  await it.clock.advance(5000)
  expect(await it.of('g')).toEqual(['t/a'])
})
