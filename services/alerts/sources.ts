/** What is so now, told from figures that the process has anyway. */

import { parseInstant } from '../../schemas/time.ts'
import type { MirrorStatus } from '../core/mirror-status.ts'
import type { GatewayVerdict } from '../core/verdict.ts'
import type { JournalUsage } from '../ports/journal.ts'
import type { Condition, Count, Sighting } from './episodes.ts'

export interface EngineAnswer {
  readonly engine: string
  readonly ready: boolean
  readonly reason?: string
}

/** A root of recordings, and its index. */
export interface RootFacts {
  readonly root: string
  readonly state: string
  readonly reason: string
  readonly waiting: number
  readonly unlistable: number
  readonly tooLong: number
}

export function enginesAway(answers: readonly EngineAnswer[]): Sighting {
  const conditions = answers.flatMap(({ engine, ready, reason = 'it does not answer' }) =>
    ready ? [] : [{ subject: engine, summary: reason }],
  )
  return { rule: 'store-away', conditions }
}

/** `fromMs`: silence before that is not held against a gateway, since nobody listened. `down`: known here to have no link, which is an alert of its own. */
export function fleetSightings(
  verdicts: Iterable<GatewayVerdict>,
  { fromMs, down }: { readonly fromMs: number; readonly down: ReadonlySet<string> },
): readonly Sighting[] {
  const silent: (Condition & { readonly sinceMs: number })[] = []
  let heard = 0
  const gaps: Condition[] = []
  const conflicts: Count[] = []
  const gone: Count[] = []
  for (const verdict of verdicts) {
    const { gateway: subject, state, connected, last_mark: mark, stores } = verdict
    if (connected) heard += 1
    // One that was written off for good is closed.
    if (!connected && state === 'open' && !down.has(subject)) {
      const sinceMs = Math.max(fromMs, msOf(mark))
      silent.push({ subject, summary: mark === null ? 'no mark ever came' : `its last mark came ${mark}`, sinceMs })
    }
    const missing = Object.entries(stores).filter((each) => each[1].missing > 0)
    if (missing.length > 0) {
      gaps.push({ subject, summary: missing.map(([store, each]) => `${each.missing} missing in ${store}`).join(', ') })
    }
    const conflict = Object.values(stores).reduce((sum, each) => sum + each.conflict, 0)
    if (conflict > 0) conflicts.push({ subject, count: conflict })
    if (verdict.void + verdict.lost > 0) gone.push({ subject, count: verdict.void + verdict.lost })
  }
  return [
    { rule: 'gateway-silent', conditions: heard === 0 && silent.length > 1 ? [allSilent(silent)] : silent },
    { rule: 'gap-open', conditions: gaps },
    { rule: 'conflict', counts: conflicts },
    { rule: 'void-or-lost', counts: gone },
  ]
}

/** Then it is hardly the gateways. */
function allSilent(silent: readonly { readonly sinceMs: number }[]): Condition {
  const sinceMs = silent.reduce((latest, each) => Math.max(latest, each.sinceMs), 0)
  const summary = `no mark of any of ${silent.length} gateways comes: look at recovery and the message log first`
  return { subject: 'all gateways', summary, sinceMs }
}

function msOf(mark: string | null): number {
  const instant = mark === null ? undefined : parseInstant(mark)
  return instant === undefined || 'reason' in instant ? 0 : instant.ms
}

export function linksDown(gateways: Iterable<{ readonly gateway: string; readonly linkUp: boolean }>): Sighting {
  const conditions = [...gateways].flatMap(({ gateway: subject, linkUp }) =>
    linkUp ? [] : [{ subject, summary: 'it does not reach the log and keeps its readings in the journal' }],
  )
  return { rule: 'link-down', conditions }
}

export function quarantined(open: number, byCode: Readonly<Record<string, number>>): Sighting {
  const causes = Object.entries(byCode).map(([code, count]) => `${count} ${code}`)
  const conditions = open === 0 ? [] : [{ subject: 'quarantine', summary: `${open} wait: ${causes.join(', ')}` }]
  return { rule: 'quarantine-not-empty', conditions }
}

/** While the index is away what waits for it says nothing new. */
export function recordingsDiffer(roots: readonly RootFacts[], indexAway: boolean): Sighting {
  const conditions = roots.flatMap((each) => {
    const why = differenceOf(each, indexAway)
    return why === '' ? [] : [{ subject: each.root, summary: why }]
  })
  return { rule: 'recordings-differ', conditions }
}

function differenceOf({ state, reason, waiting, unlistable, tooLong }: RootFacts, indexAway: boolean): string {
  if (state === 'suspicious' || state === 'unreachable') return `${state}: ${reason}`
  // What it knows is old.
  if (state === 'standby') return ''
  const facts = [
    waiting > 0 && !indexAway ? `${waiting} recordings wait for the index` : '',
    unlistable > 0 ? `${unlistable} folders can not be listed` : '',
    tooLong > 0 ? `${tooLong} paths are too long for an entry` : '',
  ]
  return facts.filter((each) => each !== '').join(', ')
}

/** So many rhythms late is no lag yet. */
const MIRROR_LATE_TIMES = 3

/** Of each bucket, since when nobody has looked for its new points, and what differs. `fromMs`: since when it should have been looked for. */
export function mirrorSightings(
  { ends, buckets }: MirrorStatus,
  { fromMs, nowMs, everyMs }: { readonly fromMs: number; readonly nowMs: number; readonly everyMs: number },
): readonly Sighting[] {
  const away = ends.flatMap((each) => (each.away === null ? [] : [`the ${each.end} is away: ${each.away.reason}`]))
  const lags = buckets.flatMap(({ bucket: subject, state, freshMs }) => {
    const summary = away.length > 0 ? away.join('; ') : 'new points have not been looked for'
    const sinceMs = freshMs ?? fromMs
    const isLate = nowMs - sinceMs > everyMs * MIRROR_LATE_TIMES
    return state === 'blocked' || !isLate ? [] : [{ subject, summary, sinceMs }]
  })
  const differs = buckets.flatMap(({ bucket: subject, state, reason }) =>
    state === 'new' || state === 'equal' ? [] : [{ subject, summary: `${state}: ${reason}` }],
  )
  return [
    { rule: 'mirror-lags', conditions: lags },
    { rule: 'mirror-differs', conditions: differs },
  ]
}

const WINDOW_MS = 300_000
/** A shorter look says nothing of the pace: after a start everything waits for its first receipt. */
const PACE_MS = 60_000
const SAMPLES_MAX = 60

/** How soon journals will be full of what no receipt has confirmed; the rest gives way by itself. */
export class JournalWatch {
  readonly #samples = new Map<string, { readonly atMs: number; readonly bytes: number }[]>()

  sighting(
    usages: Iterable<{ readonly gateway: string; readonly usage: JournalUsage }>,
    { nowMs, withinMs }: { readonly nowMs: number; readonly withinMs: number },
  ): Sighting {
    const conditions: Condition[] = []
    for (const { gateway, usage } of usages) {
      const leftMs = this.#leftMs(gateway, usage, nowMs)
      if (leftMs >= withinMs) continue
      const summary = leftMs === 0 ? 'its journal is full' : 'its journal will be full within ALERT_JOURNAL_FULL_WITHIN'
      conditions.push({ subject: gateway, summary: `${summary}; ${usage.unconfirmed} readings are not confirmed` })
    }
    return { rule: 'journal-filling', conditions }
  }

  /** At the pace of the last minutes; without end while it does not grow. `nowMs` is monotonic. */
  #leftMs(gateway: string, { bytes, maxBytes, readings, unconfirmed }: JournalUsage, nowMs: number): number {
    const held = readings === 0 ? 0 : (bytes * unconfirmed) / readings
    if (held >= maxBytes) return 0
    const samples = (this.#samples.get(gateway) ?? []).filter(({ atMs }) => nowMs - atMs <= WINDOW_MS)
    const [first] = samples
    const newest = samples.at(-1)
    if (newest === undefined || nowMs - newest.atMs >= WINDOW_MS / SAMPLES_MAX)
      samples.push({ atMs: nowMs, bytes: held })
    this.#samples.set(gateway, samples)
    if (first === undefined || nowMs - first.atMs < PACE_MS || held <= first.bytes) return Number.POSITIVE_INFINITY
    return ((maxBytes - held) * (nowMs - first.atMs)) / (held - first.bytes)
  }
}
