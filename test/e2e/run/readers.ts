/** Reads back what the engines of a run hold: both stores through their adapters, and the log. */

import { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { influxdbReadingStore } from '../../../infra/influxdb/reading-store.ts'
import { kafkaMessageLog } from '../../../infra/kafka/message-log.ts'
import { type ReadingDocument, readingOf } from '../../../infra/mongodb/reading-document.ts'
import { confluentSchemaRegistry } from '../../../infra/registry/schema-registry.ts'
import { systemRandom } from '../../../infra/system.ts'
import type { GatewayId } from '../../../schemas/reading.ts'
import { fromNanos, toNanos } from '../../../schemas/time.ts'
import { openWireCodec } from '../../../schemas/wire-codec.ts'
import { OpenedParts } from '../../../services/main/opened-parts.ts'
import type { ReadingFilter, StoredReading } from '../../../services/ports/reading-store.ts'
import type { Held } from '../../checker/history.ts'
import { UNIQUE_FIELD } from '../../faults/requests.ts'
import type { Engines, StoreName } from './cloud.ts'
import { exactText } from './exact-values.ts'
import { type LogEnds, type LogStory, logEnds, logStory } from './log-story.ts'

/** The sensors of the clients under load, whose readings are known by their value; all others are known by their identity. */
export const LOAD_CLIENT = 'load'
const forever = new AbortController().signal

export interface Readers extends AsyncDisposable {
  /** Of one gateway, or of all. */
  read(store: StoreName, gateway?: string): Promise<readonly StoredReading[]>
  held(store: StoreName, gateway: string): Promise<readonly Held[]>
  /** Whether the reading stands there. */
  stands(store: StoreName, identity: Identity): Promise<boolean>
  ends(): Promise<LogEnds>
  story(gateway: string, from: LogEnds): Promise<LogStory>
}

export type Identity = Pick<Held, 'gateway' | 'type' | 'sensor' | 'time'>

export async function openReaders(engines: Engines): Promise<Readers> {
  const parts = new OpenedParts()
  const logger = pino({ level: 'silent' })
  const stores = { mongodb: parts.keep(mongodbReader(engines.mongodb.url)), influxdb: influxdbReader(engines, parts) }
  const log = parts.keep(kafkaMessageLog({ brokers: engines.kafka.brokers, logger }))
  const codec = await openWireCodec(confluentSchemaRegistry({ url: engines.registry.url }), new Map())
  return {
    read: (store, gateway) => stores[store].read(gateway),
    held: async (store, gateway) => (await stores[store].read(gateway)).map((each) => heldOf(store, each)),
    stands: (store, identity) => stores[store].stands(identity),
    ends: () => logEnds(log),
    story: (gateway, from) => logStory(log, codec, gateway, from),
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  }
}

type StoreReader = {
  read(gateway?: string): Promise<readonly StoredReading[]>
  stands(identity: Identity): Promise<boolean>
}

/** Without the index that the adapter makes for its order: the stand-in for MongoDB has no use for it. */
function mongodbReader(url: string): StoreReader & AsyncDisposable {
  const client = new MongoClient(url)
  const readings = client.db().collection<ReadingDocument>('readings')
  return {
    read: async (gateway) => {
      const query = gateway === undefined ? {} : { gateway }
      const found: StoredReading[] = []
      const options = { useBigInt64: true, promoteBuffers: true, batchSize: 2_000 }
      for await (const document of readings.find(query, options)) found.push(readingOf(document))
      return found
    },
    stands: async ({ gateway, type, sensor, time }) => {
      return (await readings.findOne({ _id: `${gateway}/${type}/${sensor}/${time}` })) !== null
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

function influxdbReader({ influxdb }: Engines, parts: OpenedParts): StoreReader {
  const { url, token, org, bucket } = influxdb
  const logger = pino({ level: 'silent' })
  const access = { name: 'influxdb', url, token, org, bucket }
  const store = parts.keep(influxdbReadingStore({ ...access, random: systemRandom, logger }))
  const read = async (filter: ReadingFilter): Promise<readonly StoredReading[]> => {
    const found: StoredReading[] = []
    for await (const batch of store.read(filter, forever)) found.push(...batch)
    return found
  }
  return {
    read: (gateway) => read(gateway === undefined ? {} : { gateway: gateway as GatewayId }),
    stands: async ({ gateway, type, sensor, time }) => {
      const [from, to] = [fromNanos(time), fromNanos(time + 1n)]
      return (await read({ gateway: gateway as GatewayId, type, sensor, from, to })).length > 0
    },
  }
}

function heldOf(store: StoreName, { gateway, epoch, reading }: StoredReading): Held {
  const { type, sensor, values, seq } = reading
  const time = toNanos(reading)
  const unique = sensor.startsWith(`${LOAD_CLIENT}-`) ? String(values[UNIQUE_FIELD]) : uniqueOf({ type, sensor, time })
  const position = epoch === undefined ? {} : { position: { epoch, seq } }
  return { store, unique, gateway, type, sensor, time, values: exactText(values), ...position }
}

/** Of readings that no other of their gateway shares an instant with. */
export function uniqueOf({ type, sensor, time }: Pick<Held, 'type' | 'sensor' | 'time'>): string {
  return `${type}/${sensor}/${time}`
}
