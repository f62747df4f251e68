/** What other programs put on the topics, on real engines: quarantined with its cause, and costs nothing that stands beside it. */

import { type Admin, Kafka, logLevel, type Message, Partitioners } from 'kafkajs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { engineTests } from '../../support/engines.ts'
import { environmentOn } from '../../support/environment.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { type DoorReading, exported, lineOf, proofNow, series, startUp, tidemark } from '../../support/up-process.ts'

const engines = engineTests('kafka', 'mongodb', 'influxdb', 'registry')

const DAY_MS = Date.UTC(2026, 2, 1)
const STORES = ['mongodb', 'influxdb']
const [GATEWAY, OTHER] = ['shed', 'barn']
/** Kafka's number of topics among what has settings, and its mark of a setting that was made for one. */
const [TOPIC_RESOURCE, OF_TOPIC] = [2, 1]

/** What sinks do not read; recovery and gateways do. */
const UNREAD_BY_SINKS = [
  'landings',
  'receipts',
  'recovery_data_request',
  'connection_status',
  'manifests',
  'quarantine',
]
/** A batch without gateway, epoch, type, mark and answer, and with 50 million sensors. */
const BOMB = Buffer.from([0, 0, 0, 0, 0, 0x80, 0xc2, 0xd7, 0x2f])

const NO_AVRO =
  "undecodable: it does not begin with a zero byte, a schema id and a body, as the registry's wire format does"
/** What each store's sink says of what it could not take. */
const CAUSES = [
  `readings ${NO_AVRO}`,
  'readings undecodable: a list of 50000000 items where 0 bytes are left',
  'readings unknown-schema: nobody registered schema 8388607',
  `readings ${NO_AVRO}`,
  `readings key-mismatch: the record's key is "${OTHER}", the gateway in it "${GATEWAY}"`,
  `readings ${NO_AVRO} (the first 980000 of 2000000 bytes are kept)`,
  'readings undecodable: it has 20000000 bytes (the first 980000 of 20000000 bytes are kept)',
  `recovery_data ${NO_AVRO}`,
  `recovery_data ${NO_AVRO}`,
  `recovery_data ${NO_AVRO}`,
]

interface Entry {
  readonly store: string
  /** `TOPIC PARTITION/OFFSET` */
  readonly from: string
  readonly code: string
  readonly reason: string
}

interface Batch {
  readonly value: Buffer
  readonly headers: Message['headers']
}

/** When each sink has put so many records aside: all causes, in order of the alphabet. */
async function untilQuarantined(dataDir: string, count: number): Promise<readonly string[]> {
  const causes = async (): Promise<readonly string[]> => {
    const ran = await tidemark(dataDir, ['quarantine', 'list', '--json'])
    if (ran.code !== 0) throw new Error(ran.err)
    const entries = JSON.parse(ran.out) as readonly Entry[]
    return entries.map(({ store, from, code, reason }) => `${store} ${from.split(' ')[0]} ${code}: ${reason}`)
  }
  const all = await vi.waitUntil(
    async () => {
      const found = await causes()
      return found.length >= count * STORES.length ? found : undefined
    },
    { timeout: 60_000, interval: 500 },
  )
  return all.toSorted()
}

/** A program that knows nothing of tidemark. */
async function stranger(brokers: readonly string[]) {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const createPartitioner = Partitioners.DefaultPartitioner
  const [producer, admin] = [kafka.producer({ createPartitioner }), kafka.admin()]
  await Promise.all([producer.connect(), admin.connect()])
  onTestFinished(async () => void (await Promise.all([producer.disconnect(), admin.disconnect()])))
  return {
    put: (topic: string, ...messages: Message[]) => producer.send({ topic, messages }),
    admin,
    newestBatch: (gateway: string) => newestBatch(kafka, gateway),
  }
}

async function newestBatch(kafka: Kafka, gateway: string): Promise<Batch> {
  const consumer = kafka.consumer({ groupId: 'stranger' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'readings', fromBeginning: true })
  let found: Batch | undefined
  await consumer.run({
    eachMessage: async ({ message: { key, value, headers } }) => {
      if (key?.toString() === gateway && headers?.kind?.toString() === 'batch' && value !== null)
        found = { value, headers }
    },
  })
  try {
    return await vi.waitUntil(() => found, { timeout: 30_000 })
  } finally {
    await consumer.disconnect()
  }
}

/** All settings of a topic are replaced at once, so the others go along. */
async function takeLargerRecords(admin: Admin, name: string): Promise<void> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: TOPIC_RESOURCE, name }],
  })
  const own = (resources[0]?.configEntries ?? []).filter((each) => Number(each.configSource) === OF_TOPIC)
  const kept = own.map(({ configName, configValue }) => ({ name: configName, value: configValue }))
  const configEntries = [
    ...kept.filter((each) => each.name !== 'max.message.bytes'),
    { name: 'max.message.bytes', value: '30000000' },
  ]
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: TOPIC_RESOURCE, name, configEntries }] })
}

engines.describe('records that other programs put on the log', () => {
  test('are quarantined with their cause; what stands beside them lands, and their positions are recovered or rejected', {
    timeout: 300_000,
  }, async () => {
    const [kafka, registry] = [await engines.kafka(), await engines.registry()]
    const started = [kafka, registry, await engines.mongodb(), await engines.influxdb()]
    const env = environmentOn(started, { STORES: STORES.join(','), GATEWAY_ID: GATEWAY })
    await using dir = await temporaryDir()
    const up = await startUp(dir.path, ['--no-demo'], env)
    const sent: DoorReading[] = []
    const send = async (sensor: string, count: number, gateway = GATEWAY): Promise<void> => {
      const readings = series(count, DAY_MS, sensor)
      const answer = await fetch(`${up.url}/readings?gateway=${gateway}`, {
        method: 'POST',
        body: JSON.stringify(readings),
      })
      expect(await answer.json()).toMatchObject({ accepted: count })
      sent.push(...readings)
    }
    const { put, admin, newestBatch } = await stranger(kafka.brokers)

    // What is accepted before that goes another way: the newest live batch is to be found below.
    await vi.waitFor(
      async () => {
        const figures = await (await fetch(`${up.url}/metrics`)).text()
        expect(figures).toContain(`tidemark_link_up{gateway="${GATEWAY}"} 1`)
      },
      { timeout: 60_000, interval: 200 },
    )
    await send('before', 100)
    await send('of-the-other-gateway', 10, OTHER)
    const before = await proofNow(dir.path, '--wait', '60s')
    expect(before).toMatchObject({ code: 0, state: 'complete' })
    const epoch = before.gateways.find(({ gateway }) => gateway === GATEWAY)?.epochs[0]?.epoch ?? ''
    const batch = await newestBatch(GATEWAY)
    const large = { key: GATEWAY, value: Buffer.alloc(2_000_000, 7) }
    await expect(put('readings', large)).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' })
    await takeLargerRecords(admin, 'readings')

    const bomb = Buffer.concat([batch.value.subarray(0, 5), BOMB])
    const unknown = Buffer.concat([Buffer.from([0, 0, 0x7f, 0xff, 0xff]), batch.value.subarray(5)])
    await put('readings', { key: GATEWAY, value: 'poison' })
    await send('between', 100)
    await put('readings', { key: GATEWAY, value: bomb }, { key: GATEWAY, value: unknown }, { key: null, value: null })
    await put('readings', { key: OTHER, value: batch.value })
    await put('readings', large)
    await put('readings', { key: GATEWAY, value: Buffer.alloc(20_000_000) })
    for (const topic of UNREAD_BY_SINKS)
      await put(topic, { key: GATEWAY, value: 'poison' }, { key: GATEWAY, value: batch.value })
    await send('after', 100)
    await send('after-in-the-other-gateway', 10, OTHER)

    // The next readings are in the journal alone, because the link is away; what claims to be them can't be read.
    expect(await tidemark(dir.path, ['link', 'cut', GATEWAY])).toMatchObject({ code: 0 })
    await send('while-cut', 120)
    const answer = (part: number) => ({
      kind: 'batch',
      epoch,
      ranges: '411-420',
      request_id: 'none',
      part: String(part),
    })
    for (const part of [1, 2, 3]) await put('recovery_data', { key: GATEWAY, value: 'poison', headers: answer(part) })
    const causes = await untilQuarantined(dir.path, CAUSES.length)
    expect(causes).toEqual(STORES.flatMap((store) => CAUSES.map((cause) => `${store} ${cause}`)).toSorted())
    const claims = { ...batch.headers, high_water: '420', head: '420', ranges: '301-420' }
    await put('readings', { key: GATEWAY, value: 'poison', headers: claims })
    await untilQuarantined(dir.path, CAUSES.length + 1)
    expect(await tidemark(dir.path, ['link', 'restore', GATEWAY])).toMatchObject({ code: 0 })

    const proof = await proofNow(dir.path, '--wait', '60s')
    const rejected = { landed: 410, rejected: 10, missing: 0 }
    expect(proof).toMatchObject({
      code: 3,
      state: 'closed',
      gateways: [
        { gateway: OTHER, state: 'complete', accepted: 20, settled: 20 },
        { gateway: GATEWAY, accepted: 420, settled: 420, stores: { mongodb: rejected, influxdb: rejected } },
      ],
    })
    const landed = sent.slice(0, -10)
    for (const store of STORES)
      expect(await exported(dir.path, store, env), store).toEqual(landed.map(lineOf).toSorted())
    expect(await up.end('SIGINT')).toBeLessThan(5000)
  })
})
