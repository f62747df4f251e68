/** The bare MongoDB driver: `insertMany` of the documents that the store would make, unordered, as durable, 5,000 a call; made outside of what is timed. */

import { Double, MongoClient } from 'mongodb'
import { ReadingDocuments } from '../../infra/mongodb/reading-document.ts'
import { arrivingReadings, GATEWAYS } from './fleet.ts'
import { Stopwatch, thisRun } from './run.ts'

const DOCUMENTS = 5_000
const { readings, mongodbUrl } = thisRun()
if (mongodbUrl === undefined) throw new Error('expected to be told of a MongoDB')
await using client = new MongoClient(mongodbUrl)
await client.connect()
const collection = client.db().collection<{ _id: string }>('readings')
const builder = new ReadingDocuments(Double)
const stopwatch = new Stopwatch()
const perGateway = readings / GATEWAYS
for (let gateway = 0; gateway < GATEWAYS; gateway++) {
  for (let from = 1; from <= perGateway; from += DOCUMENTS) {
    const part = arrivingReadings(gateway, from, Math.min(DOCUMENTS, perGateway - from + 1))
    const documents = part.map((each) => builder.make(each) as unknown as { _id: string })
    stopwatch.start()
    await collection.insertMany(documents, { ordered: false, writeConcern: { w: 'majority', j: true } })
    stopwatch.stop()
  }
}
stopwatch.tell(readings)
