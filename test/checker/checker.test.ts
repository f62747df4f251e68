/** The checker can fail: a hand-made bad history for each verdict, and beside it a clean twin that gets none. */

import { describe, expect, test } from 'vitest'
import { check, type VerdictClass } from './checker.ts'
import { heldFromExport, nanosOf, valuesText } from './export-lines.ts'
import type { Held, History, Offered } from './history.ts'

const GATEWAY = 'g1'
const EPOCH = 'e1'

function offered(n: number, change: Partial<Offered> = {}): Offered {
  const time = 1_000n * BigInt(n)
  const row = { unique: `${n}`, gateway: GATEWAY, type: 't', sensor: 's', time, values: `n=${n}`, outcome: 'ok', at: n }
  return { ...row, ...change } as Offered
}

function held(n: number, change: Partial<Held> = {}): Held {
  const { outcome: _, at: __, time, ...row } = offered(n)
  return { ...row, store: 'a', time: time ?? 0n, position: { epoch: EPOCH, seq: n }, ...change }
}

function placed(...numbers: readonly number[]): NonNullable<History['placed']> {
  return numbers.map((n) => ({ unique: `${n}`, gateway: GATEWAY, epoch: EPOCH, seq: n }))
}

const TWO: History = { requiredStores: ['a'], offered: [offered(1), offered(2)], held: [held(1), held(2)] }
const PLACED: History = { ...TWO, placed: placed(1, 2) }
const AT_2 = { gateway: GATEWAY, epoch: EPOCH, ranges: [[2, 2]] } as const
const COVERS = { gateway: GATEWAY, at: 50, covers: [{ epoch: EPOCH, upTo: 2 }] } as const

function classes(history: History): readonly VerdictClass[] {
  return check(history).verdicts.map((each) => each.class)
}

interface Pair {
  readonly what: string
  readonly bad: History
  readonly verdict: VerdictClass
  readonly twin: History
}

const WITHOUT_2: History = { ...PLACED, held: [held(1)] }
const REFUSED_2 = { kind: 'quarantined', store: 'a', at: 1, ...AT_2 } as const
const FORGOTTEN = { time: null, values: 'n=1', idempotencyKey: 'k', mayBeForgotten: true } as const
const UNTIMED = { time: null, values: 'n=1' } as const

const PAIRS: readonly Pair[] = [
  { what: 'an accepted reading is in no store', verdict: 'lost', bad: { ...TWO, held: [held(1)] }, twin: TWO },
  {
    what: 'one of two stores lacks a reading',
    verdict: 'lost',
    bad: { ...TWO, requiredStores: ['a', 'b'], held: [...TWO.held, held(1, { store: 'b' })] },
    twin: {
      ...TWO,
      requiredStores: ['a', 'b'],
      held: [...TWO.held, held(1, { store: 'b' }), held(2, { store: 'b' })],
    },
  },
  {
    what: 'a reading with an unknown answer is missing: that is no loss',
    verdict: 'lost',
    bad: { ...TWO, held: [held(1)] },
    twin: { ...TWO, offered: [offered(1), offered(2, { outcome: 'unknown' })], held: [held(1)] },
  },
  {
    what: 'another position was declared void',
    verdict: 'lost',
    bad: {
      ...WITHOUT_2,
      declared: [{ ...AT_2, ranges: [[3, 9]], kind: 'void', at: 5 }],
      placed: placed(1, 2, 3, 4, 5, 6, 7, 8, 9),
    },
    twin: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'void', at: 5 }] },
  },
  {
    what: 'quarantined for another store',
    verdict: 'lost',
    bad: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'quarantined', store: 'b', at: 5 }] },
    twin: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'quarantined', store: 'a', at: 5 }] },
  },
  {
    what: 'fewer positions are declared than readings are missing, and nobody knows which',
    verdict: 'lost',
    bad: { ...TWO, held: [], declared: [{ ...AT_2, kind: 'void', at: 5 }] },
    twin: { ...TWO, held: [held(1)], declared: [{ ...AT_2, kind: 'void', at: 5 }] },
  },
  {
    what: 'two requests without time or key were taken, one reading is there',
    verdict: 'lost',
    bad: { ...TWO, offered: [offered(1, UNTIMED), offered(1, { ...UNTIMED, at: 2 })], held: [held(1)] },
    twin: {
      ...TWO,
      offered: [
        offered(1, { ...UNTIMED, idempotencyKey: 'k' }),
        offered(1, { ...UNTIMED, idempotencyKey: 'k', at: 2 }),
      ],
      held: [held(1)],
    },
  },
  {
    what: 'a reading is there twice',
    verdict: 'doubled',
    bad: { ...TWO, held: [...TWO.held, held(2, { time: 2_001n })] },
    twin: TWO,
  },
  {
    what: 'a keyed reading without a time is there twice',
    verdict: 'doubled',
    bad: {
      ...TWO,
      offered: [offered(1, { ...UNTIMED, idempotencyKey: 'k' }), offered(1, { ...UNTIMED, idempotencyKey: 'k' })],
      held: [held(1), held(1)],
    },
    twin: {
      ...TWO,
      offered: [offered(1, UNTIMED), offered(1, { ...UNTIMED, outcome: 'unknown' })],
      held: [held(1), held(1)],
    },
  },
  {
    what: 'a keyed reading without a time is there more often than it was sent, though it may have been forgotten',
    verdict: 'doubled',
    bad: { ...TWO, offered: [offered(1, FORGOTTEN), offered(1, FORGOTTEN)], held: [held(1), held(1), held(1)] },
    twin: { ...TWO, offered: [offered(1, FORGOTTEN), offered(1, FORGOTTEN)], held: [held(1), held(1)] },
  },
  {
    what: 'a reading nobody offered is there',
    verdict: 'phantom',
    bad: { ...TWO, held: [...TWO.held, held(3)] },
    twin: TWO,
  },
  {
    what: 'a refused reading is there',
    verdict: 'phantom',
    bad: { ...TWO, offered: [offered(1), offered(2, { outcome: 'refused' })] },
    twin: { ...TWO, offered: [offered(1), offered(2, { outcome: 'refused' }), offered(2, { outcome: 'unknown' })] },
  },
  {
    what: 'values changed',
    verdict: 'corrupt',
    bad: { ...TWO, held: [held(1), held(2, { values: 'n=2.5' })] },
    twin: TWO,
  },
  {
    what: 'it stands under another sensor',
    verdict: 'misfiled',
    bad: { ...TWO, held: [held(1), held(2, { sensor: 'x' })] },
    twin: TWO,
  },
  {
    what: 'it stands under another gateway',
    verdict: 'misfiled',
    bad: { ...TWO, held: [held(1), held(2, { gateway: 'x' })] },
    twin: TWO,
  },
  {
    what: 'its time was moved further than others could make it give way',
    verdict: 'misfiled',
    bad: { ...TWO, held: [held(1), held(2, { time: 2_002n })] },
    twin: {
      ...TWO,
      offered: [offered(1, { time: 2_000n }), offered(2)],
      held: [held(1, { time: 2_000n }), held(2, { time: 2_001n })],
    },
  },
  {
    what: 'a proof said complete before the reading was there',
    verdict: 'false-proof',
    bad: { ...PLACED, stays: stays(10, 60), proofs: [{ ...COVERS, state: 'complete' }] },
    twin: { ...PLACED, stays: stays(10, 40), proofs: [{ ...COVERS, state: 'complete' }] },
  },
  {
    what: 'a proof that waited left out what was answered before it began',
    verdict: 'false-proof',
    bad: {
      ...TWO,
      stays: stays(10, 60),
      proofs: [{ gateway: GATEWAY, at: 50, state: 'complete', coversAnsweredBefore: 3 }],
    },
    twin: {
      ...TWO,
      stays: stays(10, 60),
      proofs: [{ gateway: GATEWAY, at: 50, state: 'complete', coversAnsweredBefore: 2 }],
    },
  },
  {
    what: 'a proof speaks of a generation that never had the reading',
    verdict: 'false-proof',
    bad: { ...PLACED, stays: stays(1, 2), proofs: [{ ...COVERS, state: 'complete', generations: { a: 'second' } }] },
    twin: { ...PLACED, stays: stays(1, 2), proofs: [{ ...COVERS, state: 'complete', generations: { a: 'first' } }] },
  },
  {
    what: 'a proof said closed for a reading that was declared only later',
    verdict: 'false-proof',
    bad: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'lost', at: 51 }], proofs: [{ ...COVERS, state: 'closed' }] },
    twin: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'lost', at: 49 }], proofs: [{ ...COVERS, state: 'closed' }] },
  },
  {
    what: 'a proof said complete where closed was the truth',
    verdict: 'false-proof',
    bad: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'void', at: 5 }], proofs: [{ ...COVERS, state: 'complete' }] },
    twin: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'void', at: 5 }], proofs: [{ ...COVERS, state: 'closed' }] },
  },
  {
    what: 'time alone wrote a reading off',
    verdict: 'false-write-off',
    bad: { ...PLACED, counted: [{ ...AT_2, kind: 'lost' }] },
    twin: { ...PLACED, counted: [{ ...AT_2, kind: 'lost' }], declared: [{ ...AT_2, kind: 'lost', at: 5 }] },
  },
  {
    what: 'counted void, which its gateway never said',
    verdict: 'false-write-off',
    bad: { ...PLACED, counted: [{ ...AT_2, kind: 'void' }], declared: [{ ...AT_2, kind: 'lost', at: 5 }] },
    twin: { ...PLACED, counted: [{ ...AT_2, kind: 'void' }], declared: [{ ...AT_2, kind: 'void', at: 5 }] },
  },
  {
    what: 'it stays written off although its gateway came back with it',
    verdict: 'false-write-off',
    bad: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'lost', at: 5 }], stillInJournal: [AT_2] },
    twin: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'lost', at: 5 }], stillInJournal: [] },
  },
  {
    what: 'the journal dropped it before a store had it',
    verdict: 'deleted-too-early',
    bad: { ...PLACED, stays: stays(10, 60), deletions: [{ ...AT_2, at: 50 }] },
    twin: { ...PLACED, stays: stays(10, 40), deletions: [{ ...AT_2, at: 50 }] },
  },
  {
    what: 'the journal dropped it before it had declared it void',
    verdict: 'deleted-too-early',
    bad: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'void', at: 51 }], deletions: [{ ...AT_2, at: 50 }] },
    twin: { ...WITHOUT_2, declared: [{ ...AT_2, kind: 'void', at: 50 }], deletions: [{ ...AT_2, at: 50 }] },
  },
  {
    what: 'a reading is gone and the last proof does not miss it',
    verdict: 'silent',
    bad: {
      ...WITHOUT_2,
      proofs: [{ gateway: GATEWAY, at: 50, state: 'open', missing: [{ epoch: EPOCH, ranges: [[3, 4]] }] }],
    },
    twin: {
      ...PLACED,
      proofs: [{ gateway: GATEWAY, at: 50, state: 'open', missing: [{ epoch: EPOCH, ranges: [[2, 4]] }] }],
    },
  },
  {
    what: 'more was asked for again than is allowed',
    verdict: 'needless-request',
    bad: { ...PLACED, needlessMax: 0, requests: [request([[1, 1]])] },
    twin: { ...PLACED, needlessMax: 1, requests: [request([[1, 1]])] },
  },
  {
    what: 'a position is asked for that is on its way',
    verdict: 'needless-request',
    bad: { ...PLACED, needlessMax: 0, requests: [{ ...request([]), coming: [{ epoch: EPOCH, ranges: [[2, 2]] }] }] },
    twin: { ...PLACED, needlessMax: 0, requests: [{ ...request([]), coming: [{ epoch: EPOCH, ranges: [[3, 3]] }] }] },
  },
  {
    what: 'a store rejects what it could have held',
    verdict: 'false-write-off',
    bad: { ...WITHOUT_2, unfit: new Set(['a 1']), declared: [{ ...REFUSED_2, code: 'rejected' }] },
    twin: { ...WITHOUT_2, unfit: new Set(['a 2']), declared: [{ ...REFUSED_2, code: 'rejected' }] },
  },
  {
    what: 'a conflict where gateways forget nothing',
    verdict: 'false-write-off',
    bad: { ...WITHOUT_2, noConflicts: true, declared: [{ ...REFUSED_2, code: 'conflict' }] },
    twin: { ...WITHOUT_2, noConflicts: false, declared: [{ ...REFUSED_2, code: 'conflict' }] },
  },
]

function stays(first: number, second: number): NonNullable<History['stays']> {
  return [first, second].map((from, i) => ({ store: 'a', generation: 'first', unique: `${i + 1}`, from }))
}

function request(landed: readonly (readonly [number, number])[]): NonNullable<History['requests']>[number] {
  const asked = [{ epoch: EPOCH, ranges: [[1, 2]] as const }]
  return { requestId: 'r1', gateway: GATEWAY, at: 20, asked, landed: [{ epoch: EPOCH, ranges: landed }] }
}

describe('the checker', () => {
  test.each(PAIRS)('speaks up when $what, and is silent about the clean twin', ({ bad, verdict, twin }) => {
    expect(classes(bad)).toContain(verdict)
    expect(classes(twin)).toEqual([])
  })

  test('has a bad history for each of its verdicts', () => {
    const all: Record<VerdictClass, true> = {
      lost: true,
      doubled: true,
      phantom: true,
      corrupt: true,
      misfiled: true,
      'false-proof': true,
      'false-write-off': true,
      'deleted-too-early': true,
      silent: true,
      'needless-request': true,
    }
    expect(new Set(PAIRS.map((each) => each.verdict))).toEqual(new Set(Object.keys(all)))
  })

  test('a lost reading that a proof still misses is lost, not silent', () => {
    const proofs = [{ gateway: GATEWAY, at: 50, state: 'open', missing: [{ epoch: EPOCH, ranges: [[2, 2]] }] }] as const
    expect(classes({ ...WITHOUT_2, proofs })).toEqual(['lost'])
  })

  test('names the reading, and the place where it was seen last', () => {
    const sightings = [
      { unique: '2', place: 'journal', at: 3 },
      { unique: '2', place: 'readings 1@7', at: 4 },
      { unique: '1', place: 'store a', at: 9 },
    ]
    const [verdict] = check({ ...WITHOUT_2, sightings }).verdicts
    expect(verdict).toMatchObject({ class: 'lost', identity: 'g1/t/s/2000 #2', lastSeen: 'readings 1@7' })
    expect(check(WITHOUT_2).verdicts[0]?.lastSeen).toBe('the client')
  })

  test('counts what it looked at', () => {
    const history = { ...PLACED, proofs: [{ ...COVERS, state: 'complete' }], deletions: [{ ...AT_2, at: 50 }] } as const
    const { counts } = check({ ...history, requests: [request([[1, 1]])] })
    expect(counts).toEqual({
      readings: 2,
      accepted: 2,
      unknown: 0,
      held: 2,
      excused: 0,
      proofs: 1,
      deletions: 1,
      requested: 2,
      needless: 1,
    })
  })
})

describe('what a process exported', () => {
  test('meets what was sent, by value and to the nanosecond', () => {
    const sent = { n: 7, note: 'a,b' }
    const line =
      '{"gateway":"g1","type":"t","sensor":"s","time":"2026-03-01T12:00:00.000000007Z","values":{"note":"a,b","n":7.0}}'
    const [read] = heldFromExport('embedded', `${line}\n`, 'n')
    expect(read?.values).toBe(valuesText(sent))
    expect(read).toMatchObject({ unique: '7', store: 'embedded', time: nanosOf('2026-03-01T12:00:00Z') + 7n })
    expect(nanosOf('1772366400000000007')).toBe(read?.time)
  })
})
