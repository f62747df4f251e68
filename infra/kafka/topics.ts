/** The topics of the cluster against their declarations: creates, alters what harms nobody, refuses other partition counts. */

import type { Admin, ConfigResourceTypes } from 'kafkajs'
import { codeOf, TidemarkError } from '../../services/core/errors.ts'
import type { TopicState } from '../../services/ports/message-log.ts'
import { TOPICS, type Topic, type TopicName } from '../../topics/index.ts'
import { pause } from '../waiting.ts'
import type { Link } from './connections.ts'
import { typeOf } from './failures.ts'
import { logDirSizes } from './log-dirs.ts'
import { asking, boundsOf, type Questions } from './offsets.ts'

const DAY_MS = 86_400_000
/** A value of 1,000,000 bytes with its key and headers. */
const MESSAGE_BYTES_MAX = 1_100_000
/** Kafka's number of topics among what has settings; Node's loader does not see the driver's own name for it. */
const TOPIC_RESOURCE: ConfigResourceTypes = 2
/** Kafka's mark of a setting that was made for this topic. */
const OF_TOPIC = 1
const TRIES = 20
const BETWEEN_MS = 100

export interface TopicQuestions extends Questions {
  /** Instead of the declared one. */
  readonly replication: number | undefined
}

export async function applyTopics(questions: TopicQuestions): Promise<void> {
  const created = await withAdmin(questions, 'applying the topics', async (admin) => {
    const found = await describe(questions, admin)
    const differing = names().filter((name) => partitionsDiffer(found.get(name), TOPICS[name]).length > 0)
    if (differing.length > 0) {
      const detail = differing.map((name) => `${name}: ${partitionsDiffer(found.get(name), TOPICS[name])}`).join('; ')
      throw new TidemarkError('topics-differ', `${detail}; declare the old number again, or begin with other topics`)
    }
    const missing = names().filter((name) => !found.has(name))
    await create(questions, admin, missing)
    await alter(questions, admin, found)
    return missing
  })
  for (const name of created) await untilLed(questions, name)
}

export async function topicStates(questions: TopicQuestions): Promise<TopicState[]> {
  const [found, sizes] = await withAdmin(questions, 'listing the topics', async (admin, link) => [
    await describe(questions, admin),
    await sizesOf(link),
  ])
  return Promise.all(names().map((name) => stateOf(questions, name, found.get(name), sizes)))
}

interface Found {
  readonly partitions: number
  readonly replication: number
  /** Every setting in force, and those that were made for this topic. */
  readonly configs: ReadonlyMap<string, string>
  readonly own: ReadonlyMap<string, string>
}

async function stateOf(
  questions: TopicQuestions,
  name: TopicName,
  found: Found | undefined,
  sizes: ReadonlyMap<string, number>,
): Promise<TopicState> {
  if (found === undefined) return { name, partitions: 0, records: 0, bytes: 0, differences: ['does not exist yet'] }
  const { partitions } = found
  const countsDiffer = partitionsDiffer(found, TOPICS[name])
  const bounds = countsDiffer === '' ? await boundsOf(questions, name) : []
  const bytes = Array.from({ length: partitions }, (_, i) => sizes.get(`${questions.prefix}${name}/${i}`) ?? 0)
  const wanted = configsOf(TOPICS[name], found.replication)
  const differences = [...wanted]
    .filter(([config, value]) => found.configs.get(config) !== value)
    .map(([config, value]) => `${config} is ${found.configs.get(config)}, declared is ${value}`)
  return {
    name,
    partitions,
    records: bounds.reduce((sum, { first, next }) => sum + next - first, 0),
    bytes: bytes.reduce((sum, size) => sum + size, 0),
    differences: countsDiffer === '' ? differences : [countsDiffer, ...differences],
  }
}

function names(): TopicName[] {
  return Object.values(TOPICS).map(({ name }) => name)
}

function partitionsDiffer(found: Found | undefined, declared: Topic): string {
  if (found === undefined || found.partitions === declared.partitions) return ''
  return `has ${found.partitions} partitions, declared are ${declared.partitions}`
}

/** What is stated for a topic with so many replicas: as many must be in sync as declared, but one may always be away. */
function configsOf(topic: Topic, replication: number): ReadonlyMap<string, string> {
  const { retention } = topic
  const insync = Math.max(1, Math.min(topic.minInsyncReplicas, replication - 1))
  const keepMs = typeof retention === 'object' ? retention.days * DAY_MS : -1
  return new Map([
    ['cleanup.policy', retention === 'compacted' ? 'compact' : 'delete'],
    ['retention.ms', String(keepMs)],
    ['retention.bytes', '-1'],
    ['message.timestamp.type', 'LogAppendTime'],
    ['min.insync.replicas', String(insync)],
    ['max.message.bytes', String(MESSAGE_BYTES_MAX)],
    ['compression.type', 'producer'],
    ['unclean.leader.election.enable', 'false'],
  ])
}

async function describe({ prefix }: TopicQuestions, admin: Admin): Promise<ReadonlyMap<TopicName, Found>> {
  const existing = new Set(await admin.listTopics())
  const present = names().filter((name) => existing.has(prefix + name))
  if (present.length === 0) return new Map()
  const topics = present.map((name) => prefix + name)
  const [metadata, described] = await Promise.all([
    admin.fetchTopicMetadata({ topics }),
    admin.describeConfigs({
      includeSynonyms: false,
      resources: topics.map((name) => ({ type: TOPIC_RESOURCE, name })),
    }),
  ])
  const found = present.flatMap((name) => {
    const topic = metadata.topics.find((each) => each.name === prefix + name)
    const resource = described.resources.find((each) => each.resourceName === prefix + name)
    if (topic === undefined || resource === undefined) return []
    const pairs = (entries: typeof resource.configEntries) =>
      new Map(entries.map((entry) => [entry.configName, entry.configValue] as const))
    const { partitions } = topic
    const own = resource.configEntries.filter((entry) => Number(entry.configSource) === OF_TOPIC)
    const replication = partitions[0]?.replicas.length ?? 0
    return [
      [
        name,
        { partitions: partitions.length, replication, configs: pairs(resource.configEntries), own: pairs(own) },
      ] as const,
    ]
  })
  return new Map(found)
}

async function create(questions: TopicQuestions, admin: Admin, missing: readonly TopicName[]): Promise<void> {
  if (missing.length === 0) return
  const topics = missing.map((name) => {
    const replicationFactor = questions.replication ?? TOPICS[name].replication
    const configs = [...configsOf(TOPICS[name], replicationFactor)]
    return {
      topic: questions.prefix + name,
      numPartitions: TOPICS[name].partitions,
      replicationFactor,
      configEntries: configs.map(([config, value]) => ({ name: config, value })),
    }
  })
  // Another process may create them at the same time: then they are there all the same.
  await admin.createTopics({ topics, waitForLeaders: false })
}

/** A topic that was just created is unknown to its brokers for a moment, and then without leaders. */
async function untilLed(questions: TopicQuestions, name: TopicName): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await boundsOf(questions, name)
      return
    } catch (error) {
      if (tries === TRIES || codeOf(error) !== 'log-unavailable') throw error
    }
    await pause(BETWEEN_MS, questions.signal)
  }
}

/** All settings of a topic are replaced at once, so those made by others go along. */
async function alter({ prefix }: TopicQuestions, admin: Admin, found: ReadonlyMap<TopicName, Found>): Promise<void> {
  const resources = [...found].flatMap(([name, { configs, own, replication }]) => {
    const wanted = configsOf(TOPICS[name], replication)
    if ([...wanted].every(([config, value]) => configs.get(config) === value)) return []
    const entries = [...new Map([...own, ...wanted])].map(([config, value]) => ({ name: config, value }))
    return [{ type: TOPIC_RESOURCE, name: prefix + name, configEntries: entries }]
  })
  if (resources.length > 0) await admin.alterConfigs({ validateOnly: false, resources })
}

/** Of the largest replica. Nothing where the cluster does not tell: that needs a right on the cluster itself. */
async function sizesOf(link: Link): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  try {
    await link.ready()
    for (const nodeId of link.cluster.getNodeIds()) {
      const held = await logDirSizes(await link.broker(String(nodeId)))
      for (const [place, size] of held) sizes.set(place, Math.max(size, sizes.get(place) ?? 0))
    }
  } catch (error) {
    if (typeOf(error)?.endsWith('AUTHORIZATION_FAILED') !== true) throw error
  }
  return sizes
}

async function withAdmin<T>(
  questions: TopicQuestions,
  doing: string,
  work: (admin: Admin, link: Link) => Promise<T>,
): Promise<T> {
  return asking(questions, doing, async (link) => {
    const admin = link.kafka.admin()
    try {
      await admin.connect()
      return await work(admin, link)
    } finally {
      // After a failure the whole link is closed; what that does to a disconnect concerns nobody.
      admin.disconnect().catch(() => undefined)
    }
  })
}
