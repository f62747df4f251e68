/** Real engines and the services of the cloud side, each a process of its own, started once for several scenarios. Stores stand behind proxies that can lose answers. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { type InfluxdbEngine, startInfluxdb } from '../../../infra/influxdb/launcher.ts'
import { type KafkaEngine, startKafka } from '../../../infra/kafka/launcher.ts'
import { type MongodbEngine, startMongodb } from '../../../infra/mongodb/launcher.ts'
import { type RegistryEngine, startRegistry } from '../../../infra/registry/launcher.ts'
import { OpenedParts } from '../../../services/main/opened-parts.ts'
import { becomes, type Ran, tidemark, within } from '../../faults/up.ts'
import { insertInto } from '../../infra/mongodb/losing-proxy.ts'
import { type CuttableProxy, cuttableProxy } from '../../support/cuttable-proxy.ts'
import { type Environment, environmentOn } from '../../support/environment.ts'
import { Service } from './service.ts'

export const STORES = ['mongodb', 'influxdb'] as const
export type StoreName = (typeof STORES)[number]
export type ServiceName = 'recovery' | `sink ${StoreName}` | 'status'

export const SERVICES: readonly ServiceName[] = ['recovery', 'sink mongodb', 'sink influxdb', 'status']
/** How a write of readings begins on the wire. */
const WRITES: Readonly<Record<StoreName, Buffer>> = {
  mongodb: insertInto('readings'),
  influxdb: Buffer.from('POST /api/v2/write'),
}
const READY_MS = 90_000
const COMMAND_MS = 120_000
const COMMON = { HEARTBEAT: '500ms', LOG_LEVEL: 'info' }

export interface Engines {
  readonly kafka: KafkaEngine
  readonly mongodb: MongodbEngine
  readonly influxdb: InfluxdbEngine
  readonly registry: RegistryEngine
}

interface Proxies extends Readonly<Record<StoreName, CuttableProxy>> {
  /** Between the gateways and the broker. */
  readonly link: CuttableProxy
}

export class Cloud implements AsyncDisposable {
  readonly engines: Engines
  readonly proxies: Proxies
  readonly folder: string
  readonly #services = new Map<ServiceName, Service>()
  readonly #others: Service[] = []
  readonly #parts: OpenedParts

  /** What it writes stands below `folder`. */
  static async start(folder: string): Promise<Cloud> {
    mkdirSync(join(folder, 'logs'), { recursive: true })
    const parts = new OpenedParts()
    try {
      const cloud = await onEngines(folder, parts)
      await Promise.all(SERVICES.map((name) => cloud.startService(name)))
      for (const name of SERVICES) await cloud.untilReady(cloud.service(name))
      return cloud
    } catch (error) {
      await parts[Symbol.asyncDispose]()
      throw error
    }
  }

  constructor(engines: Engines, proxies: Proxies, folder: string, parts: OpenedParts) {
    this.engines = engines
    this.proxies = proxies
    this.folder = folder
    this.#parts = parts
  }

  service(name: ServiceName): Service {
    const service = this.#services.get(name)
    if (service === undefined) throw new Error(`${name} was never started`)
    return service
  }

  /** In place of the one before, which no longer counts. */
  async startService(name: ServiceName): Promise<Service> {
    const service = await this.#start(name)
    this.#services.set(name, service)
    return service
  }

  /** Beside the one that runs. */
  async another(name: ServiceName): Promise<Service> {
    const service = await this.#start(name)
    this.#others.push(service)
    return service
  }

  /** Whatever was started beside those that count. */
  async endOthers(): Promise<void> {
    await endAll(this.#others.splice(0))
  }

  async untilReady(service: Service): Promise<void> {
    if (!(await becomes(READY_MS, () => service.isReady()))) throw new Error(`not ready: ${service.lastWords()}`)
  }

  /** `recoveryBytesPerS` slows recovery, so that a fault can fall into it. */
  gateway(id: string, recoveryBytesPerS: string): Promise<Service> {
    const env = this.#environment({
      KAFKA_BROKERS: `127.0.0.1:${this.proxies.link.port}`,
      GATEWAY_ID: id,
      RECOVERY_BYTES_PER_S: recoveryBytesPerS,
    })
    return Service.start(['gateway', '--data', join(this.folder, id)], env, this.logFile(id))
  }

  /** A command of the command line, on the engines themselves. */
  command(...args: readonly string[]): Promise<Ran> {
    const env = { ...this.#environment({}), TIDEMARK_LOG_LEVEL: 'warn' }
    const ran = tidemark(join(this.folder, 'commands'), args, env)
    return within(COMMAND_MS, ran, `no end within ${COMMAND_MS / 1000} s: tidemark ${args.join(' ')}`)
  }

  loseNextAnswer(store: StoreName): void {
    this.proxies[store].loseAnswerTo(WRITES[store])
  }

  /** How many members the group of a store's sinks has. */
  async sinksOf(store: StoreName): Promise<number> {
    const { brokers } = this.engines.kafka
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      const { groups } = await admin.describeGroups([`sink-${store}`])
      const [group] = groups
      return group?.state === 'Stable' ? group.members.length : 0
    } finally {
      await admin.disconnect()
    }
  }

  logFile(name: string): string {
    return join(this.folder, 'logs', `${name.replace(' ', '-')}.log`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endAll([...this.#services.values(), ...this.#others])
    await this.#parts[Symbol.asyncDispose]()
  }

  #start(name: ServiceName): Promise<Service> {
    const [service = '', store] = name.split(' ')
    const args = store === undefined ? [service] : [service, '--store', store]
    const { mongodb, influxdb } = this.proxies
    const env = this.#environment({
      MONGODB_URL: `mongodb://127.0.0.1:${mongodb.port}/tidemark`,
      INFLUXDB_URL: `http://127.0.0.1:${influxdb.port}`,
      SLICE_READINGS: '500',
      REQUEST_DEADLINE: '15s',
    })
    return Service.start(args, env, this.logFile(name))
  }

  #environment(more: Readonly<Record<string, string>>): Environment {
    const { kafka, mongodb, influxdb, registry } = this.engines
    return environmentOn([kafka, mongodb, influxdb, registry], { STORES: STORES.join(','), ...COMMON, ...more })
  }
}

async function endAll(services: readonly Service[]): Promise<void> {
  await Promise.all(services.filter(({ lives }) => lives).map((each) => each.end('SIGKILL')))
}

async function onEngines(folder: string, parts: OpenedParts): Promise<Cloud> {
  const proxies = {
    link: parts.keep(await cuttableProxy()),
    mongodb: parts.keep(await cuttableProxy()),
    influxdb: parts.keep(await cuttableProxy()),
  }
  const keep = async <T extends AsyncDisposable>(engine: Promise<T>): Promise<T> => parts.keep(await engine)
  const [kafka, registry, mongodb, influxdb] = await Promise.all([
    keep(startKafka({ advertisedPorts: [proxies.link.port] })),
    keep(startRegistry()),
    keep(startMongodb()),
    keep(startInfluxdb()),
  ])
  proxies.link.forwardTo(kafka.proxied[0]?.port ?? 0)
  proxies.mongodb.forwardTo(Number(new URL(mongodb.url).port))
  proxies.influxdb.forwardTo(Number(new URL(influxdb.url).port))
  return new Cloud({ kafka, registry, mongodb, influxdb }, proxies, folder, parts)
}
