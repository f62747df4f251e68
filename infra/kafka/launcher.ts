/** Installs and starts a real Apache Kafka: one KRaft node on this machine, reachable directly and through the tests' proxies. */

import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EngineProcess, type StartOptions, startEngine } from '../engines/engine-process.ts'
import { installedDir } from '../engines/install.ts'
import { freePort } from '../engines/ports.ts'
import { type EngineRecipe, JAVA, MAVEN } from '../engines/recipe.ts'
import { runTool } from '../engines/tool-run.ts'
import { CONTROLLER, type Listener, listenerLines, type SecureListener, userArguments } from './listeners.ts'

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
  /** Listeners besides the plain one. */
  readonly secure?: readonly SecureListener[]
}

export interface KafkaEngine extends EngineProcess {
  readonly brokers: readonly string[]
  /** The listeners behind the proxies: a proxy on `advertisedPort` forwards to `port`. */
  readonly proxied: readonly { readonly port: number; readonly advertisedPort: number }[]
  /** Addresses of the secure listeners, in their order. */
  readonly secure: readonly string[]
  /** Gives a user of SCRAM-SHA-256 this password; makes the user where there is none. */
  setPassword(user: string, password: string): Promise<void>
}

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaEngine> {
  const [port, controllerPort] = [await freePort(), await freePort()]
  const proxied = await Promise.all(
    (options.advertisedPorts ?? []).map(async (advertisedPort) => ({ port: await freePort(), advertisedPort })),
  )
  const secure = await Promise.all(
    (options.secure ?? []).map(async (each) => ({ port: await freePort(), secure: each })),
  )
  const listeners: readonly Listener[] = [
    { name: 'PLAINTEXT', port },
    { name: CONTROLLER, port: controllerPort },
    ...proxied.map((each, i) => ({ name: `PROXIED${i}`, ...each })),
    ...secure.map((each, i) => ({ name: `SECURE${i}`, ...each })),
  ]
  const brokers = [`127.0.0.1:${port}`]
  const engine = await startEngine(
    {
      recipe: KAFKA,
      prepare: async (dir, signal) => {
        const file = join(dir, 'server.properties')
        await writeFile(file, properties(dir, controllerPort, listeners))
        const format = ['format', '-t', CLUSTER_ID, '-c', file, ...userArguments(listeners)]
        await javaTool('formats its storage', 'kafka.tools.StorageTool', format, signal)
      },
      command: (dir) => ({
        file: 'java',
        args: [...SMALL_HEAP, LOG_TIMES, '-cp', classPath(), 'kafka.Kafka', join(dir, 'server.properties')],
      }),
      ready: async (said) => said.includes('Kafka Server started'),
      settings: { MESSAGE_LOG: 'kafka', KAFKA_BROKERS: brokers.join(','), KAFKA_REPLICATION_FACTOR: '1' },
    },
    options,
  )
  return Object.assign(engine, {
    brokers,
    proxied,
    secure: secure.map((each) => `127.0.0.1:${each.port}`),
    setPassword: async (user: string, password: string) => {
      const whose = ['--bootstrap-server', brokers.join(','), '--entity-type', 'users', '--entity-name', user]
      const alter = [...whose, '--alter', '--add-config', `SCRAM-SHA-256=[password=${password}]`]
      await javaTool('sets a password', 'kafka.admin.ConfigCommand', alter, AbortSignal.timeout(TOOL_WITHIN_MS))
    },
  })
}

async function javaTool(what: string, main: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const all = [...SMALL_HEAP, '-XX:TieredStopAtLevel=1', '-cp', classPath(), main, ...args]
  await runTool({ name: 'kafka', what, command: 'java', args: all, signal })
}

function classPath(): string {
  return join(installedDir(KAFKA), 'libs', '*')
}

/** 16 bytes in base64url, as Kafka wants it; not random, because one that begins with `-` is taken for an option. */
const CLUSTER_ID = 'dGlkZW1hcmstZW5naW5lIQ'
const SMALL_HEAP = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC']
const TOOL_WITHIN_MS = 60_000
const LOG_TIMES = '-Dorg.slf4j.simpleLogger.showDateTime=true'

/**
 * One node with small internal topics and buffers; topics are made by `applyTopics` alone. A killed broker is let in again when its session has
 * ended, hence the short one.
 */
function properties(dir: string, controllerPort: number, listeners: readonly Listener[]): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
controller.listener.names=${CONTROLLER}
inter.broker.listener.name=PLAINTEXT
${listenerLines(listeners).join('\n')}
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
