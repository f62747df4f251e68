/** The real engines start with what clients need to know, keep their data over a kill, and end with the test. */

import { connect, createServer } from 'node:net'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { MongoClient } from 'mongodb'
import { expect, onTestFinished, test } from 'vitest'
import { startKafka } from '../../../infra/kafka/launcher.ts'
import { engineTests } from '../../support/engines.ts'

const kafkaTests = engineTests('kafka')
const mongodbTests = engineTests('mongodb')
const influxdbTests = engineTests('influxdb')
const registryTests = engineTests('registry')

function kafkaClient(brokers: readonly string[]): Kafka {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20, maxRetryTime: 500 } })
}

async function send(kafka: Kafka, value: string): Promise<void> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic: 'trial', acks: -1, messages: [{ value }] })
  await producer.disconnect()
}

async function nextOffset(kafka: Kafka): Promise<string | undefined> {
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets('trial')
  await admin.disconnect()
  return offsets[0]?.high
}

/** Forwards to a port that is set later; counts the connections it took. */
async function proxy(): Promise<{ readonly port: number; target: number; taken: number }> {
  const state = { port: 0, target: 0, taken: 0 }
  const server = createServer((from) => {
    state.taken++
    const to = connect(state.target, '127.0.0.1')
    from.pipe(to).pipe(from)
    for (const socket of [from, to]) socket.on('error', () => [from, to].map((each) => each.destroy()))
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return Object.assign(state, { port: typeof address === 'object' ? (address?.port ?? 0) : 0 })
}

kafkaTests.describe('kafka', () => {
  test('keeps what it acknowledged over a kill', async () => {
    const engine = await kafkaTests.kafka()
    const kafka = kafkaClient(engine.brokers)
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'trial', numPartitions: 1 }], waitForLeaders: true })
    await admin.disconnect()
    await send(kafka, 'one')
    await engine.kill()
    await engine.start()
    await send(kafka, 'two')
    expect(await nextOffset(kafka)).toBe('2')
  })

  test('is reached through a proxy alone by who comes through the proxy', async () => {
    const link = await proxy()
    await using engine = await startKafka({ advertisedPorts: [link.port] })
    link.target = engine.proxied[0]?.port ?? 0
    const direct = kafkaClient(engine.brokers)
    const admin = direct.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'trial', numPartitions: 1 }], waitForLeaders: true })
    await admin.disconnect()
    expect(link.taken).toBe(0)
    const behind = kafkaClient([`127.0.0.1:${link.port}`])
    await send(behind, 'one')
    expect(link.taken).toBeGreaterThan(0)
    const metadata = behind.admin()
    await metadata.connect()
    expect((await metadata.describeCluster()).brokers.map(({ port }) => port)).toEqual([link.port])
    await metadata.disconnect()
    expect(await nextOffset(direct)).toBe('1')
  })
})

mongodbTests.describe('mongodb', () => {
  test('keeps what it acknowledged over a kill', async () => {
    const engine = await mongodbTests.mongodb()
    await using client = new MongoClient(engine.url)
    const trial = client.db().collection('trial')
    expect(client.db().databaseName).toBe('tidemark')
    await trial.insertOne({ n: 1 })
    await engine.kill()
    await engine.start()
    expect(await trial.countDocuments()).toBe(1)
  })
})

influxdbTests.describe('influxdb', () => {
  test('keeps what it acknowledged over a kill, with organisation, bucket and token', async () => {
    const { url, token, org, bucket, ...rest } = await influxdbTests.influxdb()
    const engine = await influxdbTests.influxdb()
    expect(rest.settings.INFLUXDB_TOKEN).toBe(token)
    const headers = { authorization: `Token ${token}` }
    const written = await fetch(`${url}/api/v2/write?org=${org}&bucket=${bucket}`, {
      method: 'POST',
      headers,
      body: 'trial n=1i',
    })
    expect(written.status).toBe(204)
    await engine.kill()
    await engine.start()
    const answer = await fetch(`${url}/api/v2/query?org=${org}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/vnd.flux' },
      body: `from(bucket: "${bucket}") |> range(start: 0) |> keep(columns: ["_value", "_measurement"])`,
    })
    expect(await answer.text()).toContain(',1,trial')
  })
})

registryTests.describe('registry', () => {
  test('keeps what it acknowledged over a kill', async () => {
    const engine = await registryTests.registry()
    const versions = `${engine.url}/subjects/trial/versions`
    const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
    const answer = await fetch(versions, { method: 'POST', headers, body: JSON.stringify({ schema: '"string"' }) })
    expect(answer.status).toBe(200)
    await engine.kill()
    await engine.start()
    expect(await (await fetch(versions)).json()).toEqual([1])
  })
})
