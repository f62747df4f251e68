/** One gateway's story, and lists over the fleet: as the proof has them, with what was accepted and what has landed. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OutageState } from '../../../services/core/ledger.ts'
import { verdict } from '../../../services/core/verdict.ts'
import { newestOutages, newestRequests } from '../../../services/status/fleet-lists.ts'
import { FleetView } from '../../../services/status/fleet-view.ts'
import { gatewayDetail } from '../../../services/status/gateway-detail.ts'
import { E1, E2, landings, ledgerOf, mark, writtenOff } from '../../support/ledger-events.ts'
import { EPOCH, outage, smallFleet } from './small-fleet.ts'

const MOMENT = { required: ['s', 't'], nowMs: 1_000_020, heartbeatMs: 2000, format: (ms: number) => String(ms) }

function rowsOf(ledger: ReturnType<typeof ledgerOf>) {
  return { version: 1, head: ledger.head, epochs: ledger.epochs }
}

describe("a gateway's detail", () => {
  test('its outages stand as in the proof, whatever landed, was written off or began anew inside', () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 30 }))
    const place = fc.record({ epoch: fc.constantFrom(E1, E2), seq: fc.integer({ min: 0, max: 60 }) })
    const lost = fc.record({ lostAt: fc.option(place), restoredAt: fc.option(place), lostMs: fc.integer({ min: 1 }) })
    const landed = fc.array(fc.tuple(fc.constantFrom('s', 't'), fc.constantFrom(E1, E2), range))
    fc.assert(
      fc.property(fc.array(lost), landed, fc.option(range), (outages, landedRanges, writeoff) => {
        const ledger = ledgerOf(
          [
            mark(E1, 40, 1),
            mark(E2, 60, 10, [[E1, 50]]),
            ...landedRanges.map(([store, epoch, [from, more]], i) =>
              landings(i + 1, { store, offset: 11 + i, landed: [[epoch, 'stored', [[from, from + more]]]] }),
            ),
            ...(writeoff === null ? [] : [writtenOff(90, E2, [[writeoff[0], writeoff[0] + writeoff[1]]], 99)]),
          ],
          ['s', 't'],
        )
        const told = outages.map((each, i): OutageState => {
          const restoredMs = each.restoredAt === null ? null : each.lostMs + 1
          return { ...outage(`o${i}`, each.lostMs, 0, null), ...each, restoredMs }
        })
        ledger.head = { ...ledger.head, outages: told }
        const proof = verdict(ledger, { ...MOMENT, format: (ms) => new Date(ms).toISOString() })
        const detail = gatewayDetail(rowsOf(ledger), undefined, MOMENT)
        const state = (all: readonly { id: string; state: string; positions: readonly string[] }[] = []) =>
          new Map(all.map(({ id, state: of, positions }) => [id, [of, positions]]))
        expect(state(detail?.outages)).toEqual(state(proof.outages))
        expect([detail?.state, detail?.epochs]).toEqual([proof.state, proof.epochs])
      }),
    )
  })

  test('counts what was accepted during an outage, and what of it every required store has', () => {
    const ledger = ledgerOf(
      [
        mark(E1, 100, 1),
        landings(1, { store: 's', offset: 2, landed: [[E1, 'stored', [[1, 50]]]] }),
        landings(2, {
          store: 't',
          offset: 2,
          landed: [
            [
              E1,
              'stored',
              [
                [1, 30],
                [45, 100],
              ],
            ],
          ],
        }),
      ],
      ['s', 't'],
    )
    const during = { lostAt: { epoch: E1, seq: 20 }, restoredAt: { epoch: E1, seq: 60 } }
    ledger.head = { ...ledger.head, outages: [{ ...outage('o', 5, 0, 1), ...during }] }
    expect(gatewayDetail(rowsOf(ledger), undefined, MOMENT)?.outages).toMatchObject([
      { id: 'o', accepted: 40, landed: 16, positions: [`${E1}:21-60`], gateway: 'g1' },
    ])
  })

  test('shows the newest thousand outages, newest first, and those of a thousand more are not lost to the state', () => {
    const ledger = ledgerOf([mark(E1, 10, 1)], ['s'])
    const many = Array.from({ length: 1500 }, (_, i) => outage(`o${i}`, 1000 + i, 1, 2))
    ledger.head = { ...ledger.head, outages: [{ ...outage('first', 1, 1, null), appendedMs: 2e12 }, ...many] }
    const detail = gatewayDetail(rowsOf(ledger), undefined, MOMENT)
    expect(detail?.outages.length).toBe(1000)
    expect(detail?.outages.map(({ id }) => id).slice(0, 2)).toEqual(['o1499', 'o1498'])
    expect(detail?.because).toContain('the gateway is disconnected')
  })

  test('knows a gateway that runs here before the ledger does, and no other', () => {
    const journal = { readings: 1, unconfirmed: 1, bytes: 10, max_bytes: 100 }
    const detail = gatewayDetail(undefined, { gateway: 'new', cut: true, journal }, MOMENT)
    expect(detail).toMatchObject({ gateway: 'new', link: 'cut', journal, epochs: [], outages: [], requests: [] })
    expect(gatewayDetail(undefined, undefined, MOMENT)).toBeUndefined()
  })
})

describe('the lists of the fleet', () => {
  test('give the newest outages of all gateways, and load only the ledgers that those stand in', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10, outages: [outage('a1', 1000, 1, 5), outage('a2', 4000, 6, 8)] })
    await fleet.hear('b', { accepted: 10, outages: [outage('b1', 3000, 1, 5), outage('b2', 2000, 1, 5)] })
    await fleet.hear('old', { accepted: 10, outages: [outage('old1', 500, 1, 5)] })
    const view = new FleetView(fleet.sources)
    await view.look()
    fleet.loads()
    const question = { ledger: fleet.ledger, moment: fleet.moment(), limit: 3, breathe: async () => undefined }
    const rows = await newestOutages(view.judged, question, new AbortController().signal)
    expect(rows.map(({ gateway, id, accepted }) => [gateway, id, accepted])).toEqual([
      ['a', 'a2', 2],
      ['b', 'b1', 4],
      ['b', 'b2', 4],
    ])
    expect(fleet.loads()).toEqual(['a', 'b'])
    const gone = newestOutages(view.judged, question, AbortSignal.abort(new Error('the client is gone')))
    await expect(gone).rejects.toThrow('the client is gone')
  })

  test('give the newest requests, with what was asked in ranges', async () => {
    const fleet = smallFleet()
    const asked = [
      {
        epoch: EPOCH,
        ranges: [
          [1, 4],
          [9, 9],
        ] as const,
      },
    ]
    const { version, head, epochs } = rowsOf(ledgerOf([mark(EPOCH, 10, 1)]))
    for (const [gateway, sentMs] of [
      ['a', 1000],
      ['b', 2000],
      ['c', 500],
    ] as const) {
      const requests = [{ requestId: `r-${gateway}`, asked, sentMs, attempt: 2, parts: 1, answeredAt: null }]
      await fleet.ledger.save(gateway as never, 0, { head: { ...head, gateway, requests }, epochs })
    }
    expect(version).toBe(1)
    const view = new FleetView(fleet.sources)
    await view.look()
    const rows = newestRequests(view.judged, 2)
    expect(rows.map(({ gateway }) => gateway)).toEqual(['b', 'a'])
    expect(rows[0]).toMatchObject({
      request_id: 'r-b',
      asked: [`${EPOCH}:1-4`, `${EPOCH}:9`],
      positions: 5,
      answered: false,
    })
  })
})
