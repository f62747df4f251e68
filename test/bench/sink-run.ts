/** Tidemark's sink from a filled topic into a store, in a process of its own. */

import { pino } from 'pino'
import { influxdbReadingStore } from '../../infra/influxdb/reading-store.ts'
import { kafkaMessageLog } from '../../infra/kafka/message-log.ts'
import { mongodbReadingStore } from '../../infra/mongodb/reading-store.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import type { Landing, ReadingStore } from '../../services/ports/reading-store.ts'
import { Sink } from '../../services/sink/sink.ts'
import { fleetCodec } from './fleet.ts'
import { Stopwatch, thisRun, until } from './run.ts'

const STORED: Landing = { outcome: 'stored' }
const run = thisRun()
const logger = pino({ level: 'warn' }, process.stderr)
const stopwatch = new Stopwatch()

function storeWithNothing(): ReadingStore {
  return {
    name: run.storeName,
    generation: async () => 'none',
    renew: async () => 'none',
    write: async (readings) => ({ generation: 'none', landings: readings.map(() => STORED) }),
    async *read() {},
    probe: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
}

function openStore(): ReadingStore {
  const common = { name: run.storeName, clock: systemClock, random: systemRandom, logger }
  if (run.influxdb !== undefined) return influxdbReadingStore({ ...common, ...run.influxdb })
  if (run.mongodbUrl !== undefined) return mongodbReadingStore({ ...common, url: run.mongodbUrl })
  return storeWithNothing()
}

await using store = openStore()
// What it needs is loaded and connected before anything is timed, as with the bare clients.
await store.generation()
await using messageLog = kafkaMessageLog({ ...run.kafka, logger })
// The first write is the empty one at the assignment: before that nothing has been fetched.
const timed: ReadingStore = {
  name: store.name,
  ...(store.readingsPerWrite === undefined ? {} : { readingsPerWrite: store.readingsPerWrite }),
  generation: () => store.generation(),
  renew: () => store.renew(),
  write: (readings, signal) => {
    stopwatch.start()
    return store.write(readings, signal)
  },
  read: (filter, signal) => store.read(filter, signal),
  probe: (signal) => store.probe(signal),
  [Symbol.asyncDispose]: async () => undefined,
}
const codec = await fleetCodec()
const sink = new Sink({ store: timed, messageLog, codec, clock: systemClock, random: systemRandom, logger })
const end = new AbortController()
const running = sink.run(end.signal)
await until(() => {
  const { records: _, stored, duplicate, ...others } = sink.counts
  if (Object.values(others).some((count) => count > 0)) throw new Error(`not all landed: ${JSON.stringify(others)}`)
  return stored + duplicate >= run.readings
})
stopwatch.stop()
stopwatch.tell(run.readings)
end.abort(new Error('the run is over'))
await running
