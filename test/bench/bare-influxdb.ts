/** The bare InfluxDB client: posts lines that are encoded already, 5,000 a request, four in flight. */

import { LineEncoder } from '../../infra/influxdb/line-encoder.ts'
import { arrivingReadings, GATEWAYS } from './fleet.ts'
import { Stopwatch, thisRun } from './run.ts'

const LINES = 5_000
const IN_FLIGHT = 4
const { readings, influxdb } = thisRun()
if (influxdb === undefined) throw new Error('expected to be told of an InfluxDB')
const { url, token, org, bucket } = influxdb
const target = `${url}/api/v2/write?${new URLSearchParams({ org, bucket, precision: 'ns' })}`
const headers = { authorization: `Token ${token}`, 'content-type': 'text/plain; charset=utf-8' }

/** Gateway after gateway, as a sink gets them. */
function bodies(): Buffer[] {
  const encoder = new LineEncoder()
  const made: Buffer[] = []
  const perGateway = readings / GATEWAYS
  for (let gateway = 0; gateway < GATEWAYS; gateway++) {
    for (let from = 1; from <= perGateway; from += LINES) {
      const part = arrivingReadings(gateway, from, Math.min(LINES, perGateway - from + 1))
      made.push(Buffer.from(part.map((each) => encoder.encode(each, encoder.seriesOf(each))).join('\n')))
    }
  }
  return made
}

const waiting = bodies()
async function post(): Promise<void> {
  for (let body = waiting.shift(); body !== undefined; body = waiting.shift()) {
    const answer = await fetch(target, { method: 'POST', headers, body })
    if (answer.status !== 204) throw new Error(`expected 204 from InfluxDB, came ${answer.status}`)
    await answer.arrayBuffer()
  }
}

const stopwatch = new Stopwatch()
stopwatch.start()
await Promise.all(Array.from({ length: IN_FLIGHT }, post))
stopwatch.stop()
stopwatch.tell(readings)
