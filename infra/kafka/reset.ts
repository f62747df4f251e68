/** Moves a group's committed offsets, also while it has members: as a member that takes every partition for a moment, so that none can commit past it. */

import { TidemarkError } from '../../services/core/errors.ts'
import type { ResetTarget } from '../../services/ports/message-log.ts'
import type { TopicName } from '../../topics/index.ts'
import { pause, settledWithin } from '../waiting.ts'
import { Connections, timesOf } from './connections.ts'
import type { CommitTopic } from './driver.ts'
import { isMembershipChange, unavailable } from './failures.ts'
import { GroupSession } from './group-session.ts'
import { ALL_PARTITIONS, asking, type Questions, targetsOf } from './offsets.ts'
import type { KafkaMessageLogOptions } from './options.ts'

const TRIES = 5
const BETWEEN_MS = 500
const LEAVE_MS = 1_000
/** Of who commits without being a member: taken only where nobody is. */
const NOBODY = { memberId: '', groupGenerationId: -1 }

export async function resetGroup(
  options: KafkaMessageLogOptions,
  questions: Questions,
  group: string,
  topics: readonly TopicName[],
  to: ResetTarget,
): Promise<void> {
  const offsets: CommitTopic[] = []
  for (const topic of topics) {
    const targets = await targetsOf(questions, topic, to)
    const partitions = targets.map((offset, partition) => ({ partition, offset: String(offset) }))
    offsets.push({ topic: questions.prefix + topic, partitions })
  }
  if (await resetEmpty(questions, group, offsets)) return
  await resetRunning(options, questions, group, topics, offsets)
}

/** Whether the group had no members, and its offsets are moved. */
async function resetEmpty(questions: Questions, group: string, topics: readonly CommitTopic[]): Promise<boolean> {
  const groupId = questions.prefix + group
  return asking(questions, `moving the offsets of ${groupId}`, async (link) => {
    const coordinator = await link.coordinator(groupId)
    try {
      await coordinator.offsetCommit({ ...NOBODY, groupId, topics })
      return true
    } catch (error) {
      if (isMembershipChange(error)) return false
      throw error
    }
  })
}

async function resetRunning(
  options: KafkaMessageLogOptions,
  { prefix, signal }: Questions,
  group: string,
  topics: readonly TopicName[],
  offsets: readonly CommitTopic[],
): Promise<void> {
  const connections = new Connections(options)
  const session = new GroupSession({ connections, prefix, group, topics, times: timesOf(options), resets: true })
  const stop = (): void => connections.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for (let tries = 1; tries <= TRIES; tries++) {
      signal.throwIfAborted()
      try {
        const share = await session.join()
        if (share.partitions.length === ALL_PARTITIONS.length) return await session.commit(offsets)
      } catch (error) {
        if (!isMembershipChange(error)) throw unavailable(error, `moving the offsets of ${group}`, { group })
      }
      // Somebody else moves them at the same time.
      await pause(BETWEEN_MS, signal)
    }
    throw new TidemarkError(
      'log-unavailable',
      `the members of ${group} give way to no reset; stop them and try again`,
      { group },
    )
  } finally {
    signal.removeEventListener('abort', stop)
    await settledWithin(LEAVE_MS, session.leave())
    connections.destroy()
  }
}
