/** What two sides of a mirror say about one window, held against each other field by field, and what is to be done about it. */

import type { FieldSums, MirrorSeries, Only, TimeWindow } from '../ports/mirror-end.ts'
import { halves } from './mirror-windows.ts'

export interface FieldDifference {
  readonly series: MirrorSeries
  readonly field: string
  /** Points of each side. */
  readonly source: number
  readonly target: number
}

export interface SumsCompared {
  /** The same on both sides. */
  readonly equal: readonly FieldSums[]
  readonly differing: readonly FieldDifference[]
}

/** `deep`: what is on both sides counts as differing, whatever its sums say. */
export function compareSums(
  source: readonly FieldSums[],
  target: readonly FieldSums[],
  { deep, only }: { readonly deep: boolean; readonly only: Only },
): SumsCompared {
  const wanted = only === undefined ? undefined : new Set(only.map(({ key }) => key))
  const held = new Map(target.map((each) => [nameOf(each), each] as const))
  const equal: FieldSums[] = []
  const differing: FieldDifference[] = []
  for (const each of source) {
    const name = nameOf(each)
    const other = held.get(name)
    held.delete(name)
    if (wanted?.has(each.series.key) === false) continue
    if (!deep && other !== undefined && other.points === each.points && other.figures === each.figures) equal.push(each)
    else differing.push({ series: each.series, field: each.field, source: each.points, target: other?.points ?? 0 })
  }
  for (const { series, field, points } of held.values()) {
    if (wanted?.has(series.key) !== false) differing.push({ series, field, source: 0, target: points })
  }
  return { equal, differing }
}

function nameOf({ series, field }: FieldSums): string {
  return `${series.key} ${field}`
}

/** One thing to be done in one window; each may be done again from its beginning. */
export type Work =
  /** Sums of both sides are held against each other. */
  | { readonly kind: 'compare'; readonly window: TimeWindow; readonly only: Only }
  /** The target has nothing of these fields: they are copied. */
  | {
      readonly kind: 'copy'
      readonly window: TimeWindow
      readonly fields: readonly FieldDifference[]
      readonly points: number
    }
  /** Both have something of them: it is read from both, and what differs is copied. */
  | { readonly kind: 'hold'; readonly window: TimeWindow; readonly fields: readonly FieldDifference[] }
  /** As `hold`, but too much for one window. */
  | { readonly kind: 'divide'; readonly window: TimeWindow; readonly fields: readonly FieldDifference[] }
  /** The source has nothing of them. */
  | { readonly kind: 'extra'; readonly window: TimeWindow; readonly fields: readonly FieldDifference[] }

export interface PlanLimits {
  /** Points of both sides that are held at once. */
  readonly holdMax: number
  /** Whether halves may turn out to be equal; else it is only known that they have to be read. */
  readonly narrows: boolean
}

/** In the order in which it is to be done: the newest first. A window that can't be halved is held, whatever is in it. */
export function planFor(
  window: TimeWindow,
  differing: readonly FieldDifference[],
  { holdMax, narrows }: PlanLimits,
): readonly Work[] {
  const extra = differing.filter(({ source }) => source === 0)
  const missing = differing.filter(({ target }) => target === 0)
  const both = differing.filter(({ source, target }) => source > 0 && target > 0)
  const work: Work[] = []
  if (missing.length > 0) work.push({ kind: 'copy', window, fields: missing, points: pointsOf(missing, 'source') })
  if (extra.length > 0) work.push({ kind: 'extra', window, fields: extra })
  if (both.length === 0) return work
  const within = halves(window)
  const isSmall = pointsOf(both, 'source') + pointsOf(both, 'target') <= holdMax
  if (isSmall || within === undefined) return [...work, { kind: 'hold', window, fields: both }]
  if (!narrows) return [...work, { kind: 'divide', window, fields: both }]
  const only = seriesOf(both)
  return [...work, ...within.map((half): Work => ({ kind: 'compare', window: half, only }))]
}

/** After a failure: what may have been too much for the link in two, the newer half first. */
export function halved(work: Work): readonly Work[] {
  const within = work.kind === 'extra' ? undefined : halves(work.window)
  if (within === undefined) return [work]
  return within.map((window) => {
    if (work.kind !== 'copy') return { ...work, window }
    return { ...work, window, points: Math.ceil(work.points / 2) }
  })
}

export function pointsOf(fields: readonly FieldDifference[], side: 'source' | 'target'): number {
  return fields.reduce((sum, each) => sum + each[side], 0)
}

export function seriesOf(fields: readonly FieldDifference[]): readonly MirrorSeries[] {
  return [...new Map(fields.map(({ series }) => [series.key, series] as const)).values()]
}
