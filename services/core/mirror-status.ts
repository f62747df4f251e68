/** How a mirror stands, and what holding its sides against each other has come to: for its log, its figures, the page and its commands. */

import type { MirrorEnd, MirrorSeries } from '../ports/mirror-end.ts'

export type BucketState =
  /** No pass has come to its end yet. */
  | 'new'
  /** The last pass has found nothing, or brought all it found. */
  | 'equal'
  /** As it should be but for what is named: points at the target alone, refused, or older than the target keeps. */
  | 'exceptions'
  /** Passes found again what passes before them had brought. */
  | 'differs'
  /** Can't be mirrored until somebody does something. */
  | 'blocked'

/** In points: values of single fields. */
export interface BucketFigures {
  /** At the source. */
  readonly points: number
  /** That the target did not have, and those it had with another value; both have been copied. */
  readonly missing: number
  readonly differing: number
  /** At the target alone: deleted at the source, or written by somebody else. */
  readonly extra: number
  /** That the target did not take, the last reason with them. */
  readonly refused: number
  readonly refusedBecause: string
  /** At the source, older than the target keeps. */
  readonly outsideRetention: number
}

/** The figures are those of the last pass. */
export interface BucketStatus extends BucketFigures {
  readonly bucket: string
  readonly state: BucketState
  /** Why it is blocked, or what the exceptions are; else empty. */
  readonly reason: string
  /** Since the start, by copying of whichever kind. */
  readonly written: number
  /** Since the start: points at the target alone that were taken out. */
  readonly removed: number
  /** Of the pass under way: points compared, and to be copied as far as it knows; both 0 between passes. */
  readonly compared: number
  readonly left: number
  /** Wall times: up to when new points have been looked for, and of the end of the last pass; `null` before the first. */
  readonly freshMs: number | null
  readonly passedMs: number | null
}

export interface EndStatus {
  readonly end: MirrorEnd['name']
  /** `null` while it answers. */
  readonly away: { readonly sinceMs: number; readonly reason: string } | null
  readonly received: number
  readonly sent: number
}

export interface MirrorStatus {
  readonly ends: readonly EndStatus[]
  readonly buckets: readonly BucketStatus[]
}

/** In words, what copying does not mend. */
export function exceptionsIn({ extra, refused, refusedBecause, outsideRetention }: BucketFigures): readonly string[] {
  return [
    ...(extra > 0
      ? [`${extra} points are at the target alone: deleted at the source, or written by somebody else`]
      : []),
    ...(refused > 0 ? [`${refused} points were refused by the target: ${refusedBecause}`] : []),
    ...(outsideRetention > 0 ? [`${outsideRetention} points are older than the target keeps`] : []),
  ]
}

/** In points: values of single fields. */
export interface Tally {
  equal: number
  /** At the source alone, and at the target alone. */
  missing: number
  extra: number
  /** On both, with other values. */
  differing: number
}

export interface SeriesTally extends Tally {
  readonly series: MirrorSeries
}

export interface BucketTally extends Tally {
  /** Of the source, wanted, and older than the target keeps: not looked at any further. */
  readonly outsideRetention: number
  readonly series: readonly SeriesTally[]
}
