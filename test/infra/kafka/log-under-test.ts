/** A message log on a real Kafka whose topics and groups are its own: opened empty, removed afterwards. */

import { Kafka, logLevel } from 'kafkajs'
import { pino } from 'pino'
import { kafkaMessageLog } from '../../../infra/kafka/message-log.ts'
import type { KafkaMessageLogOptions, KafkaTimes } from '../../../infra/kafka/options.ts'
import type { MessageLog } from '../../../services/ports/message-log.ts'
import type { MessageLogUnderTest } from '../../contract/message-log.ts'

/** As by default, only more impatient. */
const QUICK: Partial<KafkaTimes> = { heartbeatMs: 100, graceMs: 300, fetchWaitMs: 200, sessionMs: 6_000 }

let opened = 0

export interface KafkaLogUnderTest extends MessageLogUnderTest {
  readonly prefix: string
  /** Another log on the same topics and groups, as another process would open it. */
  another(options?: Partial<KafkaMessageLogOptions>): MessageLog
}

export async function kafkaLogUnderTest(
  brokers: readonly string[],
  options: Partial<KafkaMessageLogOptions> = {},
  { apply = true } = {},
): Promise<KafkaLogUnderTest> {
  const prefix = `t${process.pid}-${opened++}.`
  const open = (more: Partial<KafkaMessageLogOptions> = {}): MessageLog => {
    const log = kafkaMessageLog({
      brokers,
      prefix,
      replication: 1,
      logger: pino({ enabled: false }),
      ...options,
      ...more,
      times: { ...QUICK, ...options.times, ...more.times },
    })
    logs.push(log)
    return log
  }
  const logs: MessageLog[] = []
  let log = open()
  if (apply) await log.applyTopics()
  return {
    log,
    prefix,
    another: open,
    reopen: async () => {
      await log[Symbol.asyncDispose]()
      log = open()
      return log
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(logs.map((each) => each[Symbol.asyncDispose]()))
      await deleteTopics(brokers, prefix)
    },
  }
}

/** Those that exist, unless the broker is gone too. */
async function deleteTopics(brokers: readonly string[], prefix: string): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin()
  try {
    await admin.connect()
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(prefix))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  } catch {
    // A broker that was killed takes them along; one that still deletes them says that they are unknown.
  } finally {
    await admin.disconnect()
  }
}
