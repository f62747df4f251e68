/** Installs and starts a real Apache Kafka: one KRaft node on this machine, reachable directly and through the tests' proxies. */

import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EngineProcess, type StartOptions, startEngine } from '../engines/engine-process.ts'
import { installedDir } from '../engines/install.ts'
import { freePort } from '../engines/ports.ts'
import { type EngineRecipe, JAVA, MAVEN } from '../engines/recipe.ts'
import { runTool } from '../engines/tool-run.ts'

export const KAFKA: EngineRecipe = {
  name: 'kafka',
  title: 'Apache Kafka',
  version: '4.1.0',
  installTools: [MAVEN],
  runTools: [JAVA],
  takes: 'about 10 s',
  install: async ({ dir, recipeDir, run, verify }) => {
    const libs = join(dir, 'libs')
    await cp(join(recipeDir, 'pom.xml'), join(dir, 'pom.xml'))
    const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${libs}`]
    await run('fetches the broker with Maven', 'mvn', args, { cwd: dir })
    await verify(libs)
  },
}

export interface KafkaOptions extends StartOptions {
  /** For each of these ports a listener of its own, which names that port on 127.0.0.1 as the broker's address: where a proxy listens. */
  readonly advertisedPorts?: readonly number[]
}

export interface KafkaEngine extends EngineProcess {
  readonly brokers: readonly string[]
  /** The listeners behind the proxies: a proxy on `advertisedPort` forwards to `port`. */
  readonly proxied: readonly { readonly port: number; readonly advertisedPort: number }[]
}

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaEngine> {
  const [port, controllerPort] = [await freePort(), await freePort()]
  const proxied = await Promise.all(
    (options.advertisedPorts ?? []).map(async (advertisedPort) => ({ port: await freePort(), advertisedPort })),
  )
  const brokers = [`127.0.0.1:${port}`]
  const classPath = join(installedDir(KAFKA), 'libs', '*')
  const engine = await startEngine(
    {
      recipe: KAFKA,
      prepare: async (dir, signal) => {
        const file = join(dir, 'server.properties')
        await writeFile(file, properties({ dir, port, controllerPort, proxied }))
        const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file]
        const args = [...SMALL_HEAP, '-XX:TieredStopAtLevel=1', '-cp', classPath, ...format]
        await runTool({ name: 'kafka', what: 'formats its storage', command: 'java', args, signal })
      },
      command: (dir) => ({
        file: 'java',
        args: [...SMALL_HEAP, LOG_TIMES, '-cp', classPath, 'kafka.Kafka', join(dir, 'server.properties')],
      }),
      ready: async (said) => said.includes('Kafka Server started'),
      settings: { MESSAGE_LOG: 'kafka', KAFKA_BROKERS: brokers.join(','), KAFKA_REPLICATION_FACTOR: '1' },
    },
    options,
  )
  return Object.assign(engine, { brokers, proxied })
}

/** 16 bytes in base64url, as Kafka wants it; not random, because one that begins with `-` is taken for an option. */
const CLUSTER_ID = 'dGlkZW1hcmstZW5naW5lIQ'
const SMALL_HEAP = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC']
const LOG_TIMES = '-Dorg.slf4j.simpleLogger.showDateTime=true'

interface Listening {
  readonly dir: string
  readonly port: number
  readonly controllerPort: number
  readonly proxied: KafkaEngine['proxied']
}

/**
 * One node with small internal topics and buffers; topics are made by `applyTopics` alone. A killed broker is let in again when its session has
 * ended, hence the short one.
 */
function properties({ dir, port, controllerPort, proxied }: Listening): string {
  const listeners = [`PLAINTEXT://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${controllerPort}`]
  const advertised = [`PLAINTEXT://127.0.0.1:${port}`]
  const protocols = ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT']
  for (const [i, each] of proxied.entries()) {
    listeners.push(`PROXIED${i}://127.0.0.1:${each.port}`)
    advertised.push(`PROXIED${i}://127.0.0.1:${each.advertisedPort}`)
    protocols.push(`PROXIED${i}:PLAINTEXT`)
  }
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=${listeners.join(',')}
advertised.listeners=${advertised.join(',')}
listener.security.protocol.map=${protocols.join(',')}
log.dirs=${join(dir, 'log')}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
`
}
