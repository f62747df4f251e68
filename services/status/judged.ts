/** What the ledger of one gateway says at a moment, for its row: the verdict, and between which times it stays the same. */

import { formatInstant, parseInstant } from '../../schemas/time.ts'
import { formatRanges } from '../core/headers.ts'
import type { Ledger, OutageState, RequestState } from '../core/ledger.ts'
import { size } from '../core/range-set.ts'
import { SILENT_HEARTBEATS } from '../core/request-rule.ts'
import { type GatewayVerdict, type VerdictMoment, verdict } from '../core/verdict.ts'
import type { RequestRow } from './page-api.ts'

export interface OutagePlace {
  readonly id: string
  readonly atMs: number
}

export interface RequestPlace {
  readonly atMs: number
  readonly row: RequestRow
}

export interface Judged {
  readonly version: number
  /** The verdict holds from `fromMs` on and before `untilMs`: then a mark turns three heartbeats old. */
  readonly fromMs: number
  readonly untilMs: number
  readonly verdict: GatewayVerdict
  readonly outages: readonly OutagePlace[]
  readonly requests: readonly RequestPlace[]
}

const RANGES_SHOWN = 100

export function format(ms: number): string {
  return formatInstant({ ms: Math.floor(ms), ns: 0 })
}

export function judge(ledger: Ledger, moment: VerdictMoment): Judged {
  const found = verdict(openOutagesOnly(ledger), moment)
  return {
    version: ledger.version,
    ...unchanging(ledger, found, moment),
    verdict: { ...found, epochs: [], outages: [] },
    outages: ledger.head.outages.map((each) => ({ id: each.id, atMs: beganMs(each) })),
    requests: requestRows(ledger),
  }
}

/** Outages that are over say nothing about the gateway's state, and there may be thousands. */
export function openOutagesOnly(ledger: Ledger): Ledger {
  const outages = ledger.head.outages.filter((each) => each.restoredMs === null)
  return { ...ledger, head: { ...ledger.head, outages } }
}

export function beganMs({ lostMs, restoredMs, appendedMs }: OutageState): number {
  return lostMs ?? restoredMs ?? appendedMs
}

/** Of time, a verdict asks only how old the newest mark is, and the one that every store has passed. */
function unchanging(ledger: Ledger, { as_of }: GatewayVerdict, { nowMs, heartbeatMs }: VerdictMoment) {
  const asOf = as_of === null ? undefined : parseInstant(as_of)
  const marks = [ledger.head.lastMark?.appendedMs, asOf === undefined || 'reason' in asOf ? undefined : asOf.ms]
  const turns = marks.flatMap((ms) => (ms === undefined ? [] : [Math.floor(ms) + SILENT_HEARTBEATS * heartbeatMs + 1]))
  return {
    fromMs: Math.max(Number.NEGATIVE_INFINITY, ...turns.filter((ms) => ms <= nowMs)),
    untilMs: Math.min(Number.POSITIVE_INFINITY, ...turns.filter((ms) => ms > nowMs)),
  }
}

export function requestRows({ head }: Ledger): readonly RequestPlace[] {
  return head.requests.map((each) => ({ atMs: each.sentMs, row: requestRow(head.gateway, each) }))
}

function requestRow(
  gateway: string,
  { requestId, sentMs, attempt, asked, parts, answeredAt }: RequestState,
): RequestRow {
  const ranges = asked.flatMap(({ epoch, ranges: all }) =>
    all.slice(0, RANGES_SHOWN).map((range) => `${epoch}:${formatRanges([range])}`),
  )
  return {
    gateway,
    request_id: requestId,
    sent: format(sentMs),
    attempt,
    asked: ranges.slice(0, RANGES_SHOWN),
    positions: asked.reduce((sum, { ranges: all }) => sum + size(all), 0),
    parts,
    answered: answeredAt !== null,
  }
}
