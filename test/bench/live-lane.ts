/** Tidemark's live lane from readings that stand in the journal to Kafka, in a process of its own. */

import { join } from 'node:path'
import { pino } from 'pino'
import { openJournal } from '../../infra/embedded/journal.ts'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { kafkaMessageLog } from '../../infra/kafka/message-log.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import { Outages } from '../../services/gateway/outages.ts'
import { Uplink } from '../../services/gateway/uplink.ts'
import type { Journal } from '../../services/ports/journal.ts'
import { fleetCodec, fleetReading, gatewayName } from './fleet.ts'
import { Stopwatch, thisRun, until } from './run.ts'

const OFFERS = 5_000
const DAY_MS = 86_400_000
const run = thisRun()
const logger = pino({ level: 'warn' }, process.stderr)
const settings = { maxBytes: 64e9, keepMs: DAY_MS, whenFull: 'reject', identityKeepMs: DAY_MS } as const

async function fill(journal: Journal): Promise<void> {
  for (let from = 1; from <= run.readings; from += OFFERS) {
    const count = Math.min(OFFERS, run.readings - from + 1)
    const offers = Array.from({ length: count }, (_, i) => {
      const { type, sensor, labels, ms, ns, values } = fleetReading(0, from + i)
      return { type, sensor, labels, time: { ms, ns }, values }
    })
    await journal.append({ offers })
  }
}

const machine = { clock: systemClock, random: systemRandom, logger }
await using kv = openLmdbKv(join(run.dir, `${run.storeName}.mdb`))
await using journal = await openJournal({ ...machine, kv, gateway: gatewayName(0), buildMs: 0, settings })
await fill(journal)
await using messageLog = kafkaMessageLog({ ...run.kafka, logger })
await messageLog.probe(AbortSignal.timeout(10_000))
const codec = await fleetCodec()
const outages = new Outages(journal, systemClock, systemRandom)
const uplink = new Uplink({ ...machine, journal, messageLog, codec, outages, heartbeatMs: 5_000 })
const end = new AbortController()
const stopwatch = new Stopwatch()
stopwatch.start()
const running = uplink.run(end.signal)
await until(() => uplink.state.published >= run.readings)
stopwatch.stop()
stopwatch.tell(run.readings)
end.abort(new Error('the run is over'))
await running
