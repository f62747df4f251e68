/** The fold: order, repetition, overlap and nesting of events never change the ledger. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Epoch, Range } from '../../../schemas/reading.ts'
import { fold as foldInto, type LedgerEvent } from '../../../services/core/fold.ts'
import { currentGeneration, type Ledger, ledgerFromRows, takeChange } from '../../../services/core/ledger.ts'
import { missingIn, settledIn } from '../../../services/core/missing.ts'
import {
  E1,
  E2,
  GATEWAY,
  landings,
  ledgerOf,
  mark,
  position,
  revoked,
  writtenOff,
} from '../../support/ledger-events.ts'

const epoch = fc.constantFrom<Epoch>(E1, E2)
const range = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 9 }))
  .map(([a, n]): Range => [a, a + n])
const outcome = fc.constantFrom('stored', 'duplicate', 'conflict', 'rejected', 'void', 'pruned', 'gone', 'never-held')
const generation = fc.constantFrom('gen1', 'gen2')

/** Every event gets its own place on its topic, as the log gives it; only then may it come in any order. */
const events = fc
  .array(
    fc.oneof(
      fc.record({ what: fc.constant('mark'), epoch, seq: fc.integer({ min: 0, max: 50 }), final: fc.option(epoch) }),
      fc.record({
        what: fc.constant('landings'),
        epoch,
        range,
        outcome,
        generation,
        topic: fc.constantFrom('readings', 'recovery_data'),
      }),
      fc.record({ what: fc.constant('position'), generation }),
      fc.record({ what: fc.constant('written-off'), epoch, range }),
      fc.record({
        what: fc.constant('status'),
        seq: fc.integer({ min: 1, max: 4 }),
        time: fc.integer({ min: 1, max: 99 }),
        lost: fc.boolean(),
      }),
    ),
    { maxLength: 25 },
  )
  .map((sketches) =>
    sketches.map((each, i): LedgerEvent => {
      switch (each.what) {
        case 'mark':
          return mark(each.epoch, each.seq, i, each.final === null ? [] : [[each.final, each.seq + 3]])
        case 'landings':
          return landings(i, {
            offset: i,
            generation: each.generation,
            topic: each.topic as 'readings',
            landed: [[each.epoch, each.outcome as 'stored', [each.range]]],
            highWater: [each.epoch, each.range[1]],
          })
        case 'position':
          return position(i, i, each.generation)
        case 'written-off':
          return writtenOff(i, each.epoch, [each.range], i)
        default:
          return {
            kind: 'status',
            appendedMs: 5,
            status: {
              connectionStatus: each.lost ? 'disconnect' : 'reconnect',
              gateway: GATEWAY,
              id: `outage-${each.seq}`,
              timeMs: each.time,
              epoch: E1,
              seq: each.time,
              noticedBy: 'n',
              reason: 'r',
            },
          }
      }
    }),
  )

function shape(ledger: Ledger): unknown {
  const epochs = Object.fromEntries([...ledger.epochs].sort(([a], [b]) => (a < b ? -1 : 1)))
  return JSON.parse(JSON.stringify({ head: sorted(ledger.head), epochs: sorted(epochs) }))
}

/** Keys in one order: objects are maps here. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]))
}

describe('the fold', () => {
  test('gives the same ledger for any order of the same events', () => {
    fc.assert(
      fc.property(
        events.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect(shape(ledgerOf(shuffled))).toEqual(shape(ledgerOf(list)))
        },
      ),
      { numRuns: 1500 },
    )
  })

  test('gives the same ledger when events come again', () => {
    fc.assert(
      fc.property(events, fc.infiniteStream(fc.boolean()), (list, again) => {
        const repeated = list.flatMap((each) => (again.next().value === true ? [each, each] : [each]))
        expect(shape(ledgerOf([...repeated, ...list]))).toEqual(shape(ledgerOf(list)))
      }),
      { numRuns: 1000 },
    )
  })

  test('cuts and joins of landed ranges mean the same', () => {
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 10 }), (ranges) => {
        const one = ledgerOf([mark(E1, 60, 0), landings(1, { offset: 0, landed: [[E1, 'stored', ranges]] })])
        const many = ledgerOf([
          mark(E1, 60, 0),
          ...ranges.map((each) => landings(1, { offset: 0, landed: [[E1, 'stored', [each]]] })),
        ])
        expect(shape(many)).toEqual(shape(one))
      }),
    )
  })

  test('goes on from saved rows as if it had never stopped', () => {
    fc.assert(
      fc.property(events, fc.nat(25), (list, at) => {
        const first = ledgerOf(list.slice(0, at))
        const change = takeChange(first)
        const rows = JSON.parse(JSON.stringify({ head: first.head, epochs: [...(change?.epochs ?? [])] }))
        const resumed = ledgerFromRows({ version: 1, head: rows.head, epochs: new Map(rows.epochs) })
        const whole = ledgerOf(list)
        expect(shape(refold(resumed, list.slice(at)))).toEqual(shape(whole))
      }),
    )
  })

  test('takes back what an audit did not find, until it lands from a later offset', () => {
    const before = [
      mark(E1, 10, 0),
      landings(1, { offset: 0, landed: [[E1, 'stored', [[1, 10]]]], highWater: [E1, 10] }),
    ]
    const missing = (ledger: Ledger): unknown => {
      const held = ledger.epochs.get(E1)
      return held === undefined ? [] : missingIn(held, ledger.head.stores.s, held.bound)
    }
    expect(missing(ledgerOf(before))).toEqual([])
    const taken = [...before, revoked(2, E1, [[4, 5]], 3)]
    expect(missing(ledgerOf(taken))).toEqual([[4, 5]])
    const stale = landings(3, { offset: 0, landed: [[E1, 'stored', [[1, 10]]]] })
    expect(missing(ledgerOf([...taken, stale]))).toEqual([[4, 5]])
    expect(missing(ledgerOf([revoked(2, E1, [[4, 5]], 3), stale, ...before]))).toEqual([[4, 5]])
    const again = landings(4, { offset: 3, topic: 'recovery_data', landed: [[E1, 'duplicate', [[4, 5]]]] })
    expect(missing(ledgerOf([...taken, stale, again]))).toEqual([])
  })

  test('counts for a store only what its newest generation holds, whatever a straggler of an older one says', () => {
    const ledger = ledgerOf([
      mark(E1, 10, 0),
      landings(1, { offset: 0, landed: [[E1, 'stored', [[1, 10]]]] }),
      position(2, 5, 'gen2'),
      landings(3, { offset: 1, landed: [[E1, 'stored', [[1, 10]]]] }),
    ])
    const state = ledger.head.stores.s
    expect(state === undefined ? undefined : currentGeneration(state)?.generation).toBe('gen2')
    const held = ledger.epochs.get(E1)
    expect(held === undefined ? undefined : settledIn(held, state)).toEqual([])
  })
})

function refold(ledger: Ledger, events: readonly LedgerEvent[]): Ledger {
  const whole = ledgerOf([])
  whole.head = ledger.head
  for (const [epoch, held] of ledger.epochs) whole.epochs.set(epoch, held)
  for (const event of events) foldInto(whole, event)
  return whole
}
