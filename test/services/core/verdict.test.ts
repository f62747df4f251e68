/** What a proof says: complete only when it is, and every accepted position in exactly one class. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Range } from '../../../schemas/reading.ts'
import type { LedgerEvent } from '../../../services/core/fold.ts'
import { verdict } from '../../../services/core/verdict.ts'
import { E1, E2, GATEWAY, landings, ledgerOf, mark, writtenOff } from '../../support/ledger-events.ts'

const moment = { required: ['s'], nowMs: 1_000_010, heartbeatMs: 1000, format: (ms: number) => String(ms) }
const all: LedgerEvent[] = [
  mark(E1, 10, 0),
  landings(0, { offset: 0, landed: [[E1, 'stored', [[1, 10]]]], highWater: [E1, 10] }),
]

describe('the verdict', () => {
  test('is complete when every position up to the mark landed, and shows the mark', () => {
    expect(verdict(ledgerOf(all), moment)).toMatchObject({
      state: 'complete',
      accepted: 10,
      settled: 10,
      last_mark: '1000000',
    })
  })

  test('is open while one position is missing, in any required store', () => {
    const hole = [mark(E1, 10, 0), landings(0, { offset: 0, landed: [[E1, 'stored', [[1, 9]]]], highWater: [E1, 10] })]
    expect(verdict(ledgerOf(hole), moment)).toMatchObject({
      state: 'open',
      pending: 1,
      epochs: [{ missing: [[10, 10]] }],
    })
    const two = { ...moment, required: ['s', 't'] }
    expect(verdict(ledgerOf(all, ['s', 't']), two)).toMatchObject({ state: 'open', pending: 10 })
  })

  test('speaks of the mark that every store has passed; what is newer is pending, and late after three heartbeats', () => {
    const busy = ledgerOf([...all, mark(E1, 11, 1)])
    expect(verdict(busy, moment)).toMatchObject({ state: 'complete', as_of: '1000000', due: 10, pending: 1 })
    expect(verdict(ledgerOf([...all, mark(E1, 11, 2900)]), { ...moment, nowMs: 1_003_001 })).toMatchObject({
      state: 'open',
      connected: true,
    })
  })

  test('is not made fresh by the time of an older mark, from when the clock was ahead', () => {
    const ahead = landings(0, { offset: 9_000_000, landed: [[E1, 'stored', [[1, 10]]]], highWater: [E1, 10] })
    const back = landings(1, { offset: 9_000_001, landed: [[E1, 'stored', [[11, 12]]]], highWater: [E1, 12] })
    if (back.kind !== 'landings') throw new Error('landings')
    const behind = { ...back.record, highWaters: [{ epoch: E1, highWater: 12, markMs: 1_000_000 }] }
    const ledger = ledgerOf([ahead, { ...back, record: behind }, mark(E1, 13, 9_000_002)])
    const [head] = [ledger.head.lastMark]
    if (head !== null && head !== undefined)
      ledger.head = { ...ledger.head, lastMark: { ...head, appendedMs: 1_005_000 } }
    expect(verdict(ledger, { ...moment, nowMs: 1_005_010 })).toMatchObject({ state: 'open', connected: true, due: 12 })
  })

  test('waits for no final of an epoch that nobody ever saw accept anything', () => {
    expect(verdict(ledgerOf([mark(E2, 0, 0), ...all.slice(1), mark(E1, 10, 1)]), moment).state).toBe('complete')
  })

  test('is open when the gateway is silent for three heartbeats, or disconnected until a newer mark', () => {
    expect(verdict(ledgerOf(all), { ...moment, nowMs: 1_003_001 })).toMatchObject({ state: 'open', connected: false })
    const status = (connectionStatus: 'disconnect' | 'reconnect', appendedMs: number): LedgerEvent => ({
      kind: 'status',
      appendedMs,
      status: {
        connectionStatus,
        gateway: GATEWAY,
        id: 'o',
        timeMs: 1,
        epoch: E1,
        seq: 10,
        noticedBy: 'n',
        reason: 'r',
      },
    })
    expect(verdict(ledgerOf([...all, status('disconnect', 1_000_005)]), moment)).toMatchObject({
      state: 'open',
      connected: false,
    })
    expect(verdict(ledgerOf([...all, status('disconnect', 1_000_005), mark(E1, 10, 7)]), moment).state).toBe('complete')
    expect(
      verdict(ledgerOf([...all, status('disconnect', 1_000_005), status('reconnect', 1_000_006)]), moment).state,
    ).toBe('complete')
  })

  test('is open for an earlier epoch whose final is not known, until it is written off to its end', () => {
    const events = [...all, mark(E2, 0, 1)]
    expect(verdict(ledgerOf(events), moment)).toMatchObject({
      state: 'open',
      because: [`epoch ${E1}: its final is not known`],
    })
    expect(verdict(ledgerOf([...events, writtenOff(9, E1, [[11, Number.MAX_SAFE_INTEGER]], 5)]), moment).state).toBe(
      'closed',
    )
    expect(verdict(ledgerOf([...events, mark(E2, 0, 2, [[E1, 10]])]), moment).state).toBe('complete')
  })

  test('is closed, with exceptions, when what did not land is settled otherwise', () => {
    const outcomes = ['conflict', 'rejected', 'void'] as const
    for (const outcome of outcomes) {
      const events = [
        mark(E1, 10, 0),
        landings(0, {
          offset: 0,
          landed: [
            [E1, 'stored', [[1, 9]]],
            [E1, outcome, [[10, 10]]],
          ],
        }),
      ]
      expect(verdict(ledgerOf(events), moment).state).toBe('closed')
    }
  })

  test('lets landed beat rejected, void and lost, in whatever order they came', () => {
    const losses = [
      landings(1, {
        offset: 1,
        landed: [
          [E1, 'rejected', [[1, 5]]],
          [E1, 'void', [[4, 8]]],
        ],
      }),
      writtenOff(2, E1, [[1, 10]], 0),
    ]
    for (const events of [
      [...all, ...losses],
      [...losses, ...all],
    ]) {
      expect(verdict(ledgerOf(events), moment)).toMatchObject({ state: 'complete', settled: 10, void: 0, lost: 0 })
    }
  })

  test('puts every accepted position in exactly one class', () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 9 }))
      .map(([a, n]): Range => [a, a + n])
    const outcome = fc.constantFrom('stored', 'conflict', 'rejected', 'void', 'pruned', 'gone', 'never-held')
    fc.assert(
      fc.property(fc.array(fc.tuple(range, outcome, fc.constantFrom('s', 't'))), fc.array(range), (landed, lost) => {
        const events = landed.map(([each, as, store], i) =>
          landings(i, { offset: i, store, landed: [[E1, as as 'stored', [each]]] }),
        )
        const ledger = ledgerOf(
          [mark(E1, 50, 0), ...events, ...lost.map((each) => writtenOff(99, E1, [each], 0))],
          ['s', 't'],
        )
        const { accepted, settled, pending, ...rest } = verdict(ledger, { ...moment, required: ['s', 't'] })
        expect(settled + pending + rest.void + rest.lost).toBe(accepted)
        expect(rest.state === 'complete').toBe(pending + rest.void + rest.lost === 0 && isAllLanded(landed))
      }),
      { numRuns: 500 },
    )
  })

  test('sums up complete epochs older than the newest ten', () => {
    const epochs = Array.from({ length: 25 }, (_, i) => i.toString(16).padStart(16, '0') as typeof E1)
    const events = epochs.flatMap((epoch, i): LedgerEvent[] => [
      mark(epoch, 2, i, i === 0 ? [] : [[epochs[i - 1] as typeof E1, 2]]),
      landings(i, { offset: i, landed: [[epoch, 'stored', [[1, 2]]]], highWater: [epoch, 2] }),
    ])
    const report = verdict(ledgerOf(events), { ...moment, nowMs: 1_000_025 })
    expect(report).toMatchObject({ state: 'complete', accepted: 50 })
    expect(report.epochs).toHaveLength(11)
    expect(report.epochs[0]).toMatchObject({ epoch: '15 older epochs', bound: 30 })
  })
})

function isAllLanded(landed: readonly (readonly [Range, string, string])[]): boolean {
  return ['s', 't'].every((store) => {
    const seqs = new Set<number>()
    for (const [[a, b], outcome, of] of landed)
      if (of === store && outcome === 'stored') for (let i = a; i <= b; i++) seqs.add(i)
    return Array.from({ length: 50 }, (_, i) => i + 1).every((seq) => seqs.has(seq))
  })
}
