/** What a pass over a bucket has found, added up. */

import { pointsOf } from '../core/mirror-plan.ts'
import type { BucketFigures } from '../core/mirror-status.ts'
import type { TimeWindow, WriteOutcome } from '../ports/mirror-end.ts'
import type { Findings } from './examination.ts'

export class PassFigures {
  readonly oldBefore: bigint
  #counts = { points: 0, missing: 0, differing: 0, extra: 0, refused: 0, outsideRetention: 0 }
  #because = ''
  #removed = 0
  /** Missing or differing, and not of the newest. */
  #old = 0

  /** What is found in windows that end before `oldBefore` should have been there. */
  constructor(oldBefore: bigint) {
    this.oldBefore = oldBefore
  }

  get told(): BucketFigures {
    return { ...this.#counts, refusedBecause: this.#because }
  }

  /** Whether anything was done that another pass has to see the end of. */
  get hasBrought(): boolean {
    const { missing, differing, refused, outsideRetention } = this.#counts
    return this.#removed > 0 || missing + differing > refused + outsideRetention
  }

  get hasOld(): boolean {
    return this.#old > this.#counts.refused + this.#counts.outsideRetention
  }

  readonly findings: Findings = {
    equal: (sums) => {
      for (const { points } of sums) this.#counts.points += points
    },
    held: (fields, window) => {
      for (const { equal, missing, differing, extra } of fields) {
        this.#counts.points += equal
        this.#counts.extra += extra
        this.#wanting(missing, differing, window)
      }
    },
    missing: (_fields, points, window) => this.#wanting(points, 0, window),
    extra: (fields) => {
      this.#counts.extra += pointsOf(fields, 'target')
    },
    removed: (points) => {
      this.#removed += points
    },
    wrote: ({ refused, outsideRetention, reason }: WriteOutcome) => {
      this.#counts.refused += refused
      this.#counts.outsideRetention += outsideRetention
      if (refused > 0) this.#because = reason
    },
  }

  get removed(): number {
    return this.#removed
  }

  outside(points: number): void {
    this.#counts.outsideRetention += points
  }

  #wanting(missing: number, differing: number, { to }: TimeWindow): void {
    this.#counts.points += missing + differing
    this.#counts.missing += missing
    this.#counts.differing += differing
    if (to <= this.oldBefore) this.#old += missing + differing
  }
}
