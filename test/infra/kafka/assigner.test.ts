/** Who gets which partitions, without a broker. */

import fc from 'fast-check'
import { AssignerProtocol } from 'kafkajs'
import { expect, test } from 'vitest'
import {
  type Applicant,
  assign,
  decodeShare,
  encodeClaim,
  encodeShares,
  type Share,
} from '../../../infra/kafka/assigner.ts'
import { PARTITIONS } from '../../../topics/index.ts'

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

function applicant(id: string, claim: Partial<Applicant> = {}): Applicant {
  return { id, owned: [], generation: -1, resets: false, ...claim }
}

/** Members that claim anything, as after crashes and missed generations. */
const applicants = fc.uniqueArray(
  fc.record({
    id: fc.string({ minLength: 1, maxLength: 4 }),
    owned: fc.array(fc.integer({ min: -1, max: PARTITIONS + 1 }), { maxLength: 20 }),
    generation: fc.integer({ min: -1, max: 5 }),
    resets: fc.constant(false),
  }),
  { minLength: 1, maxLength: 20, selector: ({ id }) => id },
)

function counts(shares: ReadonlyMap<string, Share>): number[] {
  return [...shares.values()].map(({ partitions }) => partitions.length)
}

test('every partition has one owner, and no member has two more than another', () => {
  fc.assert(
    fc.property(applicants, (members) => {
      const shares = assign(members)
      expect([...shares.keys()].sort()).toEqual(members.map(({ id }) => id).sort())
      expect([...shares.values()].flatMap(({ partitions }) => partitions).sort((a, b) => a - b)).toEqual(ALL)
      expect(Math.max(...counts(shares)) - Math.min(...counts(shares))).toBeLessThanOrEqual(1)
    }),
  )
})

test('the answer does not depend on the order in which members are named', () => {
  fc.assert(
    fc.property(applicants, (members) => {
      expect(new Map([...assign([...members].reverse())].sort())).toEqual(new Map([...assign(members)].sort()))
    }),
  )
})

test('nobody loses what it may keep: when one joins, only its share moves; when one leaves, only what it had', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 14 }), fc.nat(), (size, seed) => {
      const names = Array.from({ length: size }, (_, i) => `m${i}`)
      const before = assign(names.map((id) => applicant(id)))
      const claims = names.map((id) => applicant(id, { owned: before.get(id)?.partitions ?? [], generation: 1 }))
      const joined = assign([...claims, applicant('new')])
      expect(moved(before, joined)).toEqual(joined.get('new')?.partitions)
      const gone = names[seed % size] ?? ''
      const left = assign(claims.filter(({ id }) => id !== gone))
      if (size > 1) expect(moved(before, left)).toEqual(before.get(gone)?.partitions)
    }),
  )
})

test('of two that claim a partition the one that had it last keeps it', () => {
  const shares = assign([
    applicant('a', { owned: ALL.slice(0, 6), generation: 3 }),
    applicant('b', { owned: ALL.slice(0, 6), generation: 4 }),
  ])
  expect(shares.get('b')?.partitions).toEqual(ALL.slice(0, 6))
})

test('who moves the offsets gets everything for a moment, and the others are told that it comes back', () => {
  const members = [
    applicant('a', { owned: ALL, generation: 1 }),
    applicant('z', { resets: true }),
    applicant('zz', { resets: true }),
  ]
  const shares = assign(members)
  expect(shares.get('z')).toEqual({ partitions: ALL, resetting: false })
  for (const id of ['a', 'zz']) expect(shares.get(id)).toEqual({ partitions: [], resetting: true })
})

test('a share is the same partitions of every topic, and comes back as it was sent', () => {
  const topics = ['readings', 'recovery_data']
  const claim = { owned: [1, 2], generation: 7, resets: false }
  const members = ['a', 'b'].map((memberId) => ({ memberId, memberMetadata: encodeClaim(topics, claim) }))
  const sent = encodeShares(members)
  const shares = sent.map(({ memberAssignment }) => decodeShare(memberAssignment))
  expect(shares.flatMap(({ partitions }) => partitions).sort((a, b) => a - b)).toEqual(ALL)
  for (const [i, { memberAssignment }] of sent.entries()) {
    const assignment = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}
    expect(Object.keys(assignment)).toEqual(topics)
    for (const topic of topics) expect(assignment[topic]).toEqual(shares[i]?.partitions)
  }
})

test('a member that says nothing understandable of itself is treated as a new one', () => {
  const memberMetadata = AssignerProtocol.MemberMetadata.encode({
    version: 0,
    topics: ['readings'],
    userData: Buffer.from('{'),
  })
  const [share] = encodeShares([{ memberId: 'a', memberMetadata }])
  expect(decodeShare(share?.memberAssignment ?? Buffer.alloc(0)).partitions).toEqual(ALL)
  expect(decodeShare(Buffer.alloc(0))).toEqual({ partitions: [], resetting: false })
})

/** Partitions whose owner is another one than before. */
function moved(before: ReadonlyMap<string, Share>, after: ReadonlyMap<string, Share>): readonly number[] {
  const ownerIn = (shares: ReadonlyMap<string, Share>, partition: number) =>
    [...shares].find(([, { partitions }]) => partitions.includes(partition))?.[0]
  return ALL.filter((partition) => ownerIn(before, partition) !== ownerIn(after, partition))
}
