/** When recovery asks a gateway, and for what: one open slice, after a fresh mark, with a deadline and back-off. */

import type { EpochRanges } from '../../schemas/records/events.ts'
import { delayMs } from './delay.ts'
import { currentGeneration, type Ledger, type RequestState } from './ledger.ts'
import { askable } from './missing.ts'
import { equal, size, take } from './range-set.ts'

export interface RequestRule {
  readonly required: readonly string[]
  /** At most this many positions in one request. */
  readonly slicePositions: number
  readonly deadlineMs: number
  readonly heartbeatMs: number
}

/** Times are of recovery's own clock; they steer patience only. */
export interface RequestMoment {
  readonly nowMs: number
  /** When the newest mark was seen; -Infinity when none was since this process owns the gateway. */
  readonly markSeenMs: number
  /** When the open request was sent or last made progress. */
  readonly progressMs: number
  /** Uniform in [0, 1). */
  readonly chance: number
}

export type RequestDecision =
  | { readonly act: 'ask'; readonly asked: readonly EpochRanges[]; readonly attempt: number }
  /** The open request is given up; its positions may be asked for again after a fresh mark. */
  | { readonly act: 'expire'; readonly requestId: string }
  | { readonly act: 'wait' }

/** A gateway is silent when no mark came for so many heartbeats. */
export const SILENT_HEARTBEATS = 3
/** Answered slices that some store has not passed yet: past this, recovery waits for the stores. */
const ANSWERED_AHEAD_MAX = 8
/** The longest pause between two requests for the same positions, and before a never-held answer is doubted. */
const PATIENCE_MS = 2 * 60_000

export function decideRequest(ledger: Ledger, rule: RequestRule, moment: RequestMoment): RequestDecision {
  const open = ledger.head.requests.find((each) => each.answeredAt === null)
  if (open !== undefined) {
    const expired = moment.nowMs - moment.progressMs > rule.deadlineMs
    return expired ? { act: 'expire', requestId: open.requestId } : { act: 'wait' }
  }
  const mark = ledger.head.lastMark
  if (mark === null || moment.nowMs - moment.markSeenMs > SILENT_HEARTBEATS * rule.heartbeatMs) return { act: 'wait' }
  if (ledger.head.requests.length >= ANSWERED_AHEAD_MAX) return { act: 'wait' }
  const sinceAskedMs = moment.nowMs - moment.progressMs
  const asked = slice(askable(ledger, rule.required, sinceAskedMs > PATIENCE_MS), rule.slicePositions)
  if (asked.length === 0) return { act: 'wait' }
  const again = sameAsked(asked, ledger.head.lastAsked)
  if (!again) return { act: 'ask', asked, attempt: 1 }
  const attempt = ledger.head.fruitless + 1
  const pause = delayMs(attempt, { firstMs: rule.heartbeatMs, maxMs: PATIENCE_MS, chance: moment.chance })
  const fresh = mark.offset > ledger.head.lastAskedMark
  return fresh && sinceAskedMs >= pause ? { act: 'ask', asked, attempt: attempt + 1 } : { act: 'wait' }
}

function sameAsked(x: readonly EpochRanges[], y: readonly EpochRanges[]): boolean {
  return (
    x.length === y.length && x.every((each, i) => each.epoch === y[i]?.epoch && equal(each.ranges, y[i]?.ranges ?? []))
  )
}

/** The first `count` positions, epoch by epoch. */
function slice(asked: readonly EpochRanges[], count: number): readonly EpochRanges[] {
  const out: EpochRanges[] = []
  let left = count
  for (const { epoch, ranges } of asked) {
    if (left <= 0) break
    const part = take(ranges, left)
    out.push({ epoch, ranges: part })
    left -= size(part)
  }
  return out
}

/** Notes a request as sent, before it is published: a crash in between costs one deadline, never a doubled story. */
export function noteAsked(ledger: Ledger, request: Omit<RequestState, 'parts' | 'answeredAt'>): void {
  const { head } = ledger
  ledger.head = {
    ...head,
    requests: [...head.requests, { ...request, parts: 0, answeredAt: null }],
    fruitless: sameAsked(request.asked, head.lastAsked) ? head.fruitless + 1 : 0,
    lastAsked: request.asked,
    lastAskedMark: head.lastMark?.offset ?? -1,
  }
  ledger.headChanged = true
}

export function noteExpired(ledger: Ledger, requestId: string): void {
  const requests = ledger.head.requests.filter((each) => each.requestId !== requestId)
  ledger.head = { ...ledger.head, requests }
  ledger.headChanged = true
}

/** A gateway that says it is back has earned a fresh start: no back-off from before. */
export function noteReconnected(ledger: Ledger): void {
  if (ledger.head.fruitless === 0 && ledger.head.lastAsked.length === 0) return
  ledger.head = { ...ledger.head, fruitless: 0, lastAsked: [] }
  ledger.headChanged = true
}

/** Forgets answered requests that every required store has passed: what they still miss is missing again. */
export function forgetPassed(ledger: Ledger, required: readonly string[]): void {
  const slowest = Math.min(
    ...required.map((store) => {
      const state = ledger.head.stores[store]
      return (state === undefined ? undefined : currentGeneration(state))?.next.recovery_data ?? 0
    }),
  )
  const requests = ledger.head.requests.filter((each) => each.answeredAt === null || each.answeredAt >= slowest)
  if (requests.length === ledger.head.requests.length) return
  ledger.head = { ...ledger.head, requests }
  ledger.headChanged = true
}
