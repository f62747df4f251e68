/** Connections to the brokers through the driver: opened when used, opened anew after a failure, gone at once when destroyed. */

import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Cluster, Kafka, type SASLOptions } from 'kafkajs'
import { TidemarkError } from '../../services/core/errors.ts'
import { unlessAborted } from '../waiting.ts'
import { type Broker, clusterOf, quietTimers } from './driver.ts'
import { isMembershipChange, typeOf, unavailable } from './failures.ts'
import { type ConnectTarget, KAFKA_TIMES, type KafkaMessageLogOptions, type KafkaTimes } from './options.ts'
import { driverLevel, pinoLogging } from './pino-logging.ts'

/** Tries of the driver inside one call; what lasts longer is for who calls. */
const RETRY = { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000, factor: 0.2, multiplier: 2 }
/** Beyond the driver's own limit for a request: it does not always keep it. */
const MARGIN_MS = 2_000

/** One client of the driver with its sockets. */
export class Link {
  readonly kafka: Kafka
  readonly cluster: Cluster
  /** Whether the metadata are known to be old. */
  stale = false
  readonly #options: KafkaMessageLogOptions
  readonly #sockets = new Set<Socket>()
  #destroyedBy: Error | undefined

  constructor(options: KafkaMessageLogOptions) {
    quietTimers()
    const times = timesOf(options)
    this.#options = options
    this.kafka = new Kafka({
      brokers: [...options.brokers],
      clientId: options.clientId ?? 'tidemark',
      connectionTimeout: times.connectMs,
      authenticationTimeout: times.connectMs,
      requestTimeout: times.requestMs,
      retry: RETRY,
      logLevel: driverLevel(options.logger),
      logCreator: pinoLogging(options.logger),
      socketFactory: ({ host, port, onConnect }) => this.#open({ host, port, tls: options.tls }, onConnect),
      ssl: options.tls !== undefined,
      ...(options.sasl === undefined ? {} : { sasl: options.sasl as SASLOptions }),
    })
    this.cluster = clusterOf(this.kafka)
  }

  /** Connected, and with metadata of these topics. */
  async ready(topics: readonly string[] = []): Promise<void> {
    if (!this.cluster.isConnected()) await this.cluster.connect()
    if (topics.length > 0) await this.cluster.addMultipleTargetTopics([...topics])
    await (this.stale ? this.cluster.refreshMetadata() : this.cluster.refreshMetadataIfNecessary())
    this.stale = false
  }

  async broker(nodeId: string): Promise<Broker> {
    return (await this.cluster.findBroker({ nodeId })) as unknown as Broker
  }

  async coordinator(groupId: string): Promise<Broker> {
    await this.ready()
    return (await this.cluster.findGroupCoordinator({ groupId })) as unknown as Broker
  }

  /** At once and for good: what was on its way fails, and nothing connects again. */
  destroy(reason: Error = new TidemarkError('closed', 'the connection to Kafka')): void {
    this.#destroyedBy ??= reason
    for (const socket of this.#sockets) socket.destroy(reason)
  }

  #open(target: ConnectTarget, onConnect: () => void): Socket {
    if (this.#destroyedBy !== undefined) throw this.#destroyedBy
    const socket = (this.#options.connect ?? connect)(target, onConnect)
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    // The driver closes a socket that never connected again and again, and each time something listens for its connection.
    return socket.setMaxListeners(0)
  }
}

/** Metadata are old: a leader has moved, or a topic has come. */
const STALE = /LEADER|UNKNOWN_TOPIC|REPLICA_NOT_AVAILABLE|UNKNOWN_LEADER_EPOCH|FENCED_LEADER_EPOCH/

/** What a request that came to nothing leaves behind in the driver is not trusted: after any failure but a broker's clear answer the next use opens another link. */
export class Connections {
  readonly #options: KafkaMessageLogOptions
  readonly #limitMs: number
  #link: Link | undefined
  #destroyed = false

  constructor(options: KafkaMessageLogOptions) {
    this.#options = options
    this.#limitMs = timesOf(options).requestMs + MARGIN_MS
  }

  /** `work` may be tried again at once. It ends within `limitMs`, whatever the driver does. */
  async use<T>(work: (link: Link) => Promise<T>, limitMs = this.#limitMs): Promise<T> {
    if (this.#destroyed) throw new TidemarkError('closed', 'the connections to Kafka')
    this.#link ??= new Link(this.#options)
    const link = this.#link
    const late = AbortSignal.timeout(limitMs)
    try {
      return await unlessAborted(work(link), late)
    } catch (error) {
      this.#afterFailure(link, error)
      if (!late.aborted || error !== late.reason) throw error
      const { brokers } = this.#options
      throw unavailable(error, `no answer within ${limitMs} ms from ${brokers.join(', ')}`, { brokers })
    }
  }

  destroy(): void {
    this.#destroyed = true
    this.#link?.destroy()
  }

  #afterFailure(link: Link, error: unknown): void {
    const type = typeOf(error)
    if (type !== undefined && STALE.test(type)) link.stale = true
    else if (type === undefined || !(isMembershipChange(error) || ANSWERS.has(type))) {
      if (this.#link === link) this.#link = undefined
      link.destroy(error instanceof Error ? error : undefined)
    }
  }
}

/** Clear answers to a single question: the connection is as good as before. */
const ANSWERS: ReadonlySet<string> = new Set(['OFFSET_OUT_OF_RANGE', 'TOPIC_ALREADY_EXISTS', 'NON_EMPTY_GROUP'])

export function timesOf(options: KafkaMessageLogOptions): KafkaTimes {
  return { ...KAFKA_TIMES, ...options.times }
}

function connect({ host, port, tls }: ConnectTarget, onConnect: () => void): Socket {
  const named = isIP(host) === 0 ? { servername: host } : {}
  const socket =
    tls === undefined
      ? connectPlain({ host, port }, onConnect)
      : connectTls({ host, port, ...named, ...tls }, onConnect)
  return socket.setKeepAlive(true, 30_000).setNoDelay(true)
}
