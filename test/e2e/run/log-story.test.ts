/** The log's story, on an embedded log in memory. */

import { expect, test } from 'vitest'
import { embeddedMessageLog } from '../../../infra/embedded/message-log.ts'
import { embeddedSchemaRegistry } from '../../../infra/embedded/schema-registry.ts'
import type { TopicRecords } from '../../../schemas/codec.ts'
import type { Epoch, GatewayId, PositionedReading, Range } from '../../../schemas/reading.ts'
import { openWireCodec } from '../../../schemas/wire-codec.ts'
import { check } from '../../checker/checker.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { memoryKv } from '../../support/memory-kv.ts'
import { logEnds, logStory } from './log-story.ts'

const GATEWAY = 'g' as GatewayId
const EPOCH = '0123456789abcdef' as Epoch

function batch(from: number, to: number, gateway = GATEWAY): TopicRecords['readings'] {
  const readings = Array.from({ length: to - from + 1 }, (_, i): PositionedReading => {
    const seq = from + i
    const rest = { labels: {}, bumpNs: 0, estimated: false, digest: new Uint8Array(16) }
    return { seq, type: 'free', sensor: 's', ms: seq, ns: 0, values: { v: seq }, ...rest }
  })
  return { kind: 'batch', gateway, epoch: EPOCH, type: 'free', mark: { highWater: to, head: to, finals: [] }, readings }
}

function request(...ranges: Range[]): TopicRecords['recovery_data_request'] {
  return { requestId: 'r', gateway: GATEWAY, timeMs: 0, ranges: [{ epoch: EPOCH, ranges }], attempt: 1 }
}

async function world() {
  const clock = manualClock()
  const log = embeddedMessageLog({ kv: memoryKv(), clock })
  const codec = await openWireCodec(embeddedSchemaRegistry(memoryKv()), new Map())
  const say = async <T extends keyof TopicRecords>(topic: T, record: TopicRecords[T], key: string = GATEWAY) => {
    await log.produce(topic, [{ key, value: await codec.encode(topic, record) }])
    await clock.advance(1)
  }
  const placed = [1, 2, 3, 4, 5, 6].map((seq) => ({ unique: `${seq}`, gateway: GATEWAY, epoch: EPOCH, seq }))
  const needless = async (from: Awaited<ReturnType<typeof logEnds>>): Promise<number> => {
    const { asked } = await logStory(log, codec, GATEWAY, from)
    return check({ requiredStores: [], offered: [], held: [], placed, requests: asked }).counts.needless
  }
  return { log, codec, say, needless }
}

test('a position asked for that the log held is found, whichever lane had brought it', async () => {
  const { log, say, needless } = await world()
  const from = await logEnds(log)
  await say('readings', batch(1, 2))
  await say('recovery_data_request', request([3, 4]))
  expect(await needless(from)).toBe(0)
  await say('recovery_data', {
    ...(batch(3, 4) as TopicRecords['recovery_data']),
    answer: { requestId: 'r', part: 1, lastPart: true, unavailable: [], redrive: false },
  })
  await say('recovery_data_request', request([2, 2], [4, 5]))
  expect(await needless(from)).toBe(2)
})

test('other gateways and what was before the run are no part of the story', async () => {
  const { log, codec, say } = await world()
  await say('recovery_data_request', request([1, 6]))
  const from = await logEnds(log)
  const neighbours = Array.from({ length: 200 }, (_, i) => `h${i}` as GatewayId)
  const neighbour = neighbours.find((each) => log.partitionOf(each) === log.partitionOf(GATEWAY)) as GatewayId
  await say('recovery_data_request', { ...request([1, 6]), gateway: neighbour }, neighbour)
  await say('recovery_data_request', request([2, 3]))
  expect(await logStory(log, codec, GATEWAY, from)).toMatchObject({ positionsAsked: 2, outages: 0, duplicates: 0 })
})
