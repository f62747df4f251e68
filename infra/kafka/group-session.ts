/** One membership in a consumer group, as requests to its coordinator: join, heartbeat, commit, leave. */

import type { TopicName } from '../../topics/index.ts'
import { ASSIGNER, decodeShare, encodeClaim, encodeShares, type Share } from './assigner.ts'
import type { Connections, Link } from './connections.ts'
import type { Broker, CommitTopic } from './driver.ts'
import { isMembershipChange, typeOf } from './failures.ts'
import { type CommittedOffsets, fetchCommitted } from './offsets.ts'
import type { KafkaTimes } from './options.ts'

export interface GroupSessionOptions {
  readonly connections: Connections
  readonly prefix: string
  readonly group: string
  readonly topics: readonly TopicName[]
  readonly times: KafkaTimes
  /** It joins to move the offsets of the group. */
  readonly resets?: boolean
}

/** By what the coordinator knows a member again. */
export interface Identity {
  readonly memberId: string
  readonly generation: number
  /** What was owned in `ownedIn`, the last generation in which that was told. */
  readonly owned: readonly number[]
  readonly ownedIn: number
}

const NOBODY: Identity = { memberId: '', generation: -1, owned: [], ownedIn: -1 }

export class GroupSession {
  readonly #options: GroupSessionOptions
  readonly #groupId: string
  #identity: Identity
  #coordinator: { readonly link: Link; readonly broker: Broker } | undefined

  constructor(options: GroupSessionOptions, identity: Identity = NOBODY) {
    this.#options = options
    this.#groupId = options.prefix + options.group
    this.#identity = identity
  }

  get identity(): Identity {
    return this.#identity
  }

  /** Resolves when every member of the group has come back, with this one's share. */
  async join(): Promise<Share> {
    const { times, topics, prefix, resets = false } = this.#options
    const { memberId, owned, ownedIn } = this.#identity
    const names = topics.map((topic) => prefix + topic)
    const request = {
      groupId: this.#groupId,
      memberId,
      sessionTimeout: times.sessionMs,
      rebalanceTimeout: times.rebalanceMs,
      groupProtocols: [{ name: ASSIGNER, metadata: encodeClaim(names, { owned, generation: ownedIn, resets }) }],
    }
    const waitMs = times.rebalanceMs + times.requestMs
    const joined = await this.#ask((coordinator) => coordinator.joinGroup(request), waitMs)
    const { generationId: generation } = joined
    this.#identity = { ...this.#identity, memberId: joined.memberId, generation }
    const groupAssignment = joined.leaderId === joined.memberId ? encodeShares(joined.members) : []
    const { memberAssignment } = await this.#ask(
      (coordinator) =>
        coordinator.syncGroup({
          groupId: this.#groupId,
          generationId: generation,
          memberId: joined.memberId,
          groupAssignment,
        }),
      waitMs,
    )
    const share = decodeShare(memberAssignment)
    // Who comes back from a reset claims what it had before it.
    if (!share.resetting) this.#identity = { ...this.#identity, owned: share.partitions, ownedIn: generation }
    return share
  }

  async heartbeat(): Promise<void> {
    await this.#ask((coordinator) => coordinator.heartbeat(this.#member()))
  }

  async commit(topics: readonly CommitTopic[]): Promise<void> {
    await this.#ask((coordinator) => coordinator.offsetCommit({ ...this.#member(), topics }))
  }

  async committed(): Promise<CommittedOffsets> {
    const { prefix, topics } = this.#options
    return this.#ask((coordinator) => fetchCommitted(coordinator, this.#groupId, prefix, topics))
  }

  /** Its partitions go to the others at once. */
  async leave(): Promise<void> {
    const { memberId } = this.#identity
    if (memberId === '') return
    await this.#ask((coordinator) => coordinator.leaveGroup({ groupId: this.#groupId, memberId }))
    this.#identity = NOBODY
  }

  #member(): { readonly groupId: string; readonly memberId: string; readonly groupGenerationId: number } {
    const { memberId, generation } = this.#identity
    return { groupId: this.#groupId, memberId, groupGenerationId: generation }
  }

  /** The coordinator is looked for anew after any failure that is not about the membership. */
  async #ask<T>(request: (coordinator: Broker) => Promise<T>, limitMs?: number): Promise<T> {
    try {
      return await this.#options.connections.use(async (link) => {
        if (this.#coordinator?.link !== link) {
          this.#coordinator = { link, broker: await link.coordinator(this.#groupId) }
        }
        return request(this.#coordinator.broker)
      }, limitMs)
    } catch (error) {
      if (typeOf(error) === 'UNKNOWN_MEMBER_ID') this.#identity = { ...this.#identity, memberId: '' }
      if (!isMembershipChange(error)) this.#coordinator = undefined
      throw error
    }
  }
}
