/** Who owns which partitions: partition N of every topic has one owner, shares are equal, and who had a partition keeps it where that is fair. */

import { AssignerProtocol } from 'kafkajs'
import { PARTITIONS } from '../../topics/index.ts'

/** Members that speak another protocol can't join the same group. */
export const ASSIGNER = 'tidemark-co-partitioned'
const VERSION = 1

/** What a member says of itself when it joins. */
export interface Claim {
  /** What it owned in `generation`, the last one it was part of. */
  readonly owned: readonly number[]
  readonly generation: number
  /** It wants everything, for a moment, to move the offsets of the group. */
  readonly resets: boolean
}

export interface Applicant extends Claim {
  readonly id: string
}

export interface Share {
  readonly partitions: readonly number[]
  /** Another member moves the offsets of the group: partitions come back as soon as it has left. */
  readonly resetting: boolean
}

const NO_CLAIM: Claim = { owned: [], generation: -1, resets: false }

/** The same for whoever computes it. Of two that claim one partition, the one that had it last counts. */
export function assign(applicants: readonly Applicant[], partitions = PARTITIONS): ReadonlyMap<string, Share> {
  const sorted = [...applicants].sort((a, b) => (a.id < b.id ? -1 : 1))
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const resetting = sorted.find(({ resets }) => resets)
  if (resetting !== undefined) {
    return new Map(sorted.map(({ id }) => [id, id === resetting.id ? whole(all) : NOTHING_FOR_NOW]))
  }
  const kept = keepFair(sorted, partitions)
  const taken = new Set([...kept.values()].flat())
  for (const partition of all) {
    if (taken.has(partition)) continue
    const [poorest] = [...kept.values()].sort((a, b) => a.length - b.length)
    poorest?.push(partition)
  }
  return new Map([...kept].map(([id, owned]) => [id, { partitions: owned.sort((a, b) => a - b), resetting: false }]))
}

const NOTHING_FOR_NOW: Share = { partitions: [], resetting: true }

function whole(partitions: readonly number[]): Share {
  return { partitions, resetting: false }
}

/** What each member keeps: at most its share, and where partitions can't be shared equally, the first ones that hold more get one more. */
function keepFair(sorted: readonly Applicant[], partitions: number): Map<string, number[]> {
  const least = Math.floor(partitions / sorted.length)
  let withOneMore = partitions % sorted.length
  const claimed = new Set<number>()
  const kept = new Map<string, number[]>(sorted.map(({ id }) => [id, []]))
  for (const { id, owned } of [...sorted].sort((a, b) => b.generation - a.generation)) {
    const own = [...new Set(owned)].filter((each) => each >= 0 && each < partitions && !claimed.has(each))
    const share = own.length > least && withOneMore > 0 ? least + 1 : least
    if (share > least) withOneMore -= 1
    const keeps = own.sort((a, b) => a - b).slice(0, share)
    for (const partition of keeps) claimed.add(partition)
    kept.set(id, keeps)
  }
  return kept
}

export function encodeClaim(topics: readonly string[], claim: Claim): Buffer {
  const userData = Buffer.from(JSON.stringify(claim))
  return AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics: [...topics], userData })
}

/** What is assigned to all who have joined, as the leader of the group sends it. */
export function encodeShares(
  members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[],
): readonly { readonly memberId: string; readonly memberAssignment: Buffer }[] {
  const decoded = members.map(({ memberId, memberMetadata }) => {
    const { topics, userData } = AssignerProtocol.MemberMetadata.decode(memberMetadata) ?? {
      topics: [],
      userData: undefined,
    }
    return { id: memberId, topics, ...claimOf(userData) }
  })
  const shares = assign(decoded)
  return decoded.map(({ id, topics }) => {
    const { partitions, resetting } = shares.get(id) ?? NOTHING_FOR_NOW
    const assignment = Object.fromEntries(topics.map((topic) => [topic, [...partitions]]))
    const userData = Buffer.from(JSON.stringify({ partitions, resetting }))
    return {
      memberId: id,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: VERSION, assignment, userData }),
    }
  })
}

/** Of a member that was given nothing, nothing. */
export function decodeShare(bytes: Buffer): Share {
  const userData = bytes.length === 0 ? undefined : AssignerProtocol.MemberAssignment.decode(bytes)?.userData
  const said = parsed(userData)
  return { partitions: numbersOf(said.partitions), resetting: said.resetting === true }
}

function claimOf(userData: Buffer | undefined): Claim {
  const { owned, generation, resets } = parsed(userData)
  if (typeof generation !== 'number') return NO_CLAIM
  return { owned: numbersOf(owned), generation, resets: resets === true }
}

function numbersOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.filter((each) => Number.isInteger(each)) : []
}

function parsed(userData: Buffer | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(userData?.toString() ?? '')
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
