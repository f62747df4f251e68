/** When recovery asks: one open slice, a living gateway, a deadline, back-off, and never for what is on the log. */

import { describe, expect, test } from 'vitest'
import type { LedgerEvent } from '../../../services/core/fold.ts'
import { fold } from '../../../services/core/fold.ts'
import type { Ledger } from '../../../services/core/ledger.ts'
import {
  decideRequest,
  forgetPassed,
  noteAsked,
  noteExpired,
  type RequestDecision,
  type RequestMoment,
  type RequestRule,
} from '../../../services/core/request-rule.ts'
import { E1, E2, landings, ledgerOf, mark, position, writtenOff } from '../../support/ledger-events.ts'

const rule: RequestRule = { required: ['s'], slicePositions: 100, deadlineMs: 30_000, heartbeatMs: 1000 }
const alive: RequestMoment = { nowMs: 100_000, markSeenMs: 100_000, progressMs: 0, chance: 0.5 }

function decide(ledger: Ledger, moment: Partial<RequestMoment> = {}): RequestDecision {
  return decideRequest(ledger, rule, { ...alive, ...moment })
}

/** 1…10 marked, 1…4 landed, everything passed. */
function withHole(): Ledger {
  return ledgerOf([
    mark(E1, 10, 5),
    landings(0, { offset: 5, landed: [[E1, 'stored', [[1, 4]]]], highWater: [E1, 10] }),
  ])
}

function askNow(ledger: Ledger, id = 'r1'): void {
  const decision = decide(ledger)
  if (decision.act !== 'ask') throw new Error(`expected ask, came ${decision.act}`)
  noteAsked(ledger, { requestId: id, asked: decision.asked, sentMs: 0, attempt: decision.attempt })
}

const answer = (requestId: string, offset: number): LedgerEvent => ({
  kind: 'answer',
  requestId,
  part: 1,
  lastPart: true,
  offset,
})

describe('the request rule', () => {
  test('asks for exactly what a store misses up to the mark it has passed', () => {
    expect(decide(withHole())).toEqual({ act: 'ask', asked: [{ epoch: E1, ranges: [[5, 10]] }], attempt: 1 })
  })

  test('does not ask for what a store has not come to yet, however high the mark is that others have seen', () => {
    const ledger = ledgerOf([
      mark(E1, 10, 0),
      mark(E1, 500, 9),
      landings(0, { offset: 0, landed: [[E1, 'stored', [[1, 10]]]], highWater: [E1, 10] }),
    ])
    expect(decide(ledger)).toEqual({ act: 'wait' })
  })

  test('does not ask a silent gateway, nor one never heard of', () => {
    expect(decide(withHole(), { markSeenMs: 96_999 })).toEqual({ act: 'wait' })
    expect(decide(ledgerOf([landings(0, { offset: 0, highWater: [E1, 10] })]))).toEqual({ act: 'wait' })
  })

  test('has one request open at a time and gives it up at its deadline', () => {
    const ledger = withHole()
    askNow(ledger)
    expect(decide(ledger, { progressMs: 99_000 })).toEqual({ act: 'wait' })
    expect(decide(ledger, { progressMs: 69_000 })).toEqual({ act: 'expire', requestId: 'r1' })
  })

  test('asks again after a deadline only on a fresh mark and after a growing pause', () => {
    const ledger = withHole()
    askNow(ledger)
    noteExpired(ledger, 'r1')
    expect(decide(ledger)).toEqual({ act: 'wait' })
    fold(ledger, mark(E1, 10, 6))
    expect(decide(ledger, { progressMs: 99_900 })).toEqual({ act: 'wait' })
    expect(decide(ledger, { progressMs: 98_000 })).toMatchObject({ act: 'ask', attempt: 2 })
    for (let i = 0; i < 20; i++)
      noteAsked(ledger, { requestId: 'x', asked: ledger.head.lastAsked, sentMs: 0, attempt: i })
    noteExpired(ledger, 'x')
    fold(ledger, mark(E1, 10, 7))
    expect(decide(ledger, { progressMs: 50_000 })).toEqual({ act: 'wait' })
    expect(decide(ledger, { nowMs: 300_000, markSeenMs: 300_000, progressMs: 100_000 })).toMatchObject({ act: 'ask' })
  })

  test('leaves answered positions alone until the store has passed the answer, then asks for what it still misses', () => {
    const ledger = withHole()
    askNow(ledger)
    fold(ledger, answer('r1', 7))
    forgetPassed(ledger, ['s'])
    expect(decide(ledger)).toEqual({ act: 'wait' })
    fold(ledger, landings(1, { topic: 'recovery_data', offset: 7, landed: [[E1, 'stored', [[5, 9]]]] }))
    forgetPassed(ledger, ['s'])
    expect(decide(ledger)).toEqual({ act: 'ask', asked: [{ epoch: E1, ranges: [[10, 10]] }], attempt: 1 })
  })

  test('asks for what was answered when a sink jumped over the answer', () => {
    const ledger = withHole()
    askNow(ledger)
    fold(ledger, answer('r1', 7))
    fold(ledger, mark(E1, 10, 6))
    fold(ledger, position(1, 50))
    forgetPassed(ledger, ['s'])
    expect(decide(ledger, { progressMs: 90_000 })).toMatchObject({
      act: 'ask',
      asked: [{ epoch: E1, ranges: [[5, 10]] }],
    })
  })

  test('cuts into slices, over epochs', () => {
    const ledger = ledgerOf([
      mark(E2, 300, 0, [[E1, 70]]),
      landings(0, { offset: 0, highWater: [E2, 300], finals: [[E1, 70]] }),
    ])
    const decision = decide(ledger)
    const asked = decision.act === 'ask' ? decision.asked : []
    expect(asked.flatMap((each) => each.ranges).reduce((sum, [a, b]) => sum + b - a + 1, 0)).toBe(100)
  })

  test('asks for nothing void, conflicting, rejected, gone or written off, until the gateway is back', () => {
    const outcomes = ['void', 'conflict', 'rejected', 'gone', 'pruned'] as const
    const landed = outcomes.map(
      (outcome, i) => [E1, outcome, [[i + 5, i + 5]]] as [typeof E1, typeof outcome, [number, number][]],
    )
    const ledger = withHole()
    fold(ledger, landings(1, { offset: 6, landed }))
    fold(ledger, writtenOff(2, E1, [[10, 10]], 6))
    expect(decide(ledger)).toEqual({ act: 'wait' })
    fold(ledger, mark(E1, 10, 6))
    expect(decide(ledger)).toMatchObject({ act: 'ask', asked: [{ epoch: E1, ranges: [[10, 10]] }] })
  })

  test('fills a new generation of a store from the beginning', () => {
    const ledger = withHole()
    fold(ledger, landings(1, { offset: 6, landed: [[E1, 'stored', [[5, 10]]]] }))
    expect(decide(ledger)).toEqual({ act: 'wait' })
    fold(ledger, position(2, 7, 'gen2'))
    expect(decide(ledger)).toMatchObject({ act: 'ask', asked: [{ epoch: E1, ranges: [[1, 10]] }] })
  })

  test('asks for finals of ended epochs: the lost tail', () => {
    const ledger = ledgerOf([
      mark(E1, 10, 0),
      landings(0, { offset: 0, landed: [[E1, 'stored', [[1, 10]]]], highWater: [E1, 10] }),
      mark(E2, 0, 1, [[E1, 14]]),
      landings(1, { offset: 1, highWater: [E2, 0], finals: [[E1, 14]] }),
    ])
    expect(decide(ledger)).toMatchObject({ act: 'ask', asked: [{ epoch: E1, ranges: [[11, 14]] }] })
  })

  test('counts an answer as rejected after a store could not read it three times', () => {
    const ledger = withHole()
    for (const [i, offset] of [7, 7, 8].entries()) {
      fold(ledger, landings(i + 1, { topic: 'recovery_data', offset, landed: [[E1, 'undecodable', [[5, 10]]]] }))
    }
    expect(decide(ledger)).toMatchObject({ act: 'ask' })
    fold(ledger, landings(5, { topic: 'recovery_data', offset: 9, landed: [[E1, 'undecodable', [[5, 10]]]] }))
    expect(decide(ledger)).toEqual({ act: 'wait' })
  })
})
