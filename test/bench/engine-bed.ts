/** What the engine benches run on: real engines, started when first needed, a fresh bucket or database for each run, and the runs themselves. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { type InfluxdbEngine, startInfluxdb } from '../../infra/influxdb/launcher.ts'
import { type KafkaEngine, startKafka } from '../../infra/kafka/launcher.ts'
import { startMongodb } from '../../infra/mongodb/launcher.ts'
import { progress } from './figures.ts'
import { type Filling, fillTopic } from './fill-topic.ts'
import { runChild } from './processes.ts'
import { environmentOf, type Influxdb, type Kafka, type Measured, type Run } from './run.ts'

type EnginesOfRun = Pick<Run, 'kafka' | 'influxdb' | 'mongodbUrl'>

export class EngineBed implements AsyncDisposable {
  readonly #signal: AbortSignal
  readonly #profileDir: string | undefined
  readonly #dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  readonly #started: AsyncDisposable[] = []
  readonly #topics = new Map<string, Promise<{ readonly kafka: Kafka; readonly delivered: number }>>()
  #kafka: Promise<KafkaEngine> | undefined
  #influxdb: Promise<InfluxdbEngine> | undefined
  #mongodb: Promise<{ readonly url: string }> | undefined
  #runs = 0

  constructor(signal: AbortSignal, profileDir?: string) {
    this.#signal = signal
    this.#profileDir = profileDir
  }

  /** Filled once, under a prefix of its own; `delivered` counts what comes twice twice. */
  topic(filling: Filling): Promise<{ readonly kafka: Kafka; readonly delivered: number }> {
    const prefix = `bench-${filling.readings}-${filling.repeatEvery ?? 0}-`
    const filled = this.#topics.get(prefix) ?? this.#fill(prefix, filling)
    this.#topics.set(prefix, filled)
    return filled
  }

  async run(script: string, readings: number, on: EnginesOfRun, ...args: string[]): Promise<Measured> {
    const run: Run = { ...on, readings, storeName: `run-${++this.#runs}`, dir: this.#dir }
    const isProfiled = this.#profileDir !== undefined && !script.startsWith('bare-')
    const nodeArgs = isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${this.#profileDir}`] : []
    const options = { env: environmentOf(run), nodeArgs, signal: this.#signal }
    return JSON.parse(await runChild(`test/bench/${script}.js`, args, options)) as Measured
  }

  async withBucket<T>(work: (influxdb: Influxdb) => Promise<T>): Promise<T> {
    this.#influxdb ??= this.#start('InfluxDB', startInfluxdb)
    const { url, token, org } = await this.#influxdb
    const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const headers = { authorization: `Token ${token}` }
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const answer = await fetch(`${url}/api/v2${path}`, { method, headers, ...sent, signal: this.#signal })
      if (!answer.ok) throw new Error(`expected InfluxDB to ${method} ${path}, came ${answer.status}`)
      return answer.status === 204 ? undefined : answer.json()
    }
    const { orgs } = (await ask('GET', `/orgs?org=${org}`)) as { orgs: { id: string }[] }
    const bucket = `bench-${this.#runs}`
    const made = await ask('POST', '/buckets', { orgID: orgs[0]?.id, name: bucket, retentionRules: [] })
    const result = await work({ url, token, org, bucket })
    await ask('DELETE', `/buckets/${(made as { id: string }).id}`)
    return result
  }

  async withDatabase<T>(work: (mongodbUrl: string) => Promise<T>): Promise<T> {
    this.#mongodb ??= this.#start('FerretDB', startMongodb)
    const url = (await this.#mongodb).url.replace(/[^/]+$/, `bench-${this.#runs}`)
    const result = await work(url)
    await using client = await MongoClient.connect(url)
    await client.db().dropDatabase()
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of this.#started) await engine[Symbol.asyncDispose]()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #fill(prefix: string, filling: Filling): Promise<{ readonly kafka: Kafka; readonly delivered: number }> {
    this.#kafka ??= this.#start('Kafka', startKafka)
    const kafka = { brokers: (await this.#kafka).brokers, prefix }
    progress(`fills a topic with ${filling.readings.toLocaleString('en')} readings`)
    return { kafka, delivered: await fillTopic(kafka, filling, this.#signal) }
  }

  async #start<T extends AsyncDisposable>(
    title: string,
    start: (options: { signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    progress(`starts ${title}`)
    const engine = await start({ signal: this.#signal })
    this.#started.push(engine)
    return engine
  }
}
