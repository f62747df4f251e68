/** Sets of positions as the checker keeps them: its own, so that an error in the product's range sets does not hide itself. */

import type { Span, Spans } from './history.ts'

/** By gateway and epoch. Ranges may overlap and come in any order; an end beyond any journal costs nothing. */
export class Positions {
  readonly #ranges = new Map<string, Span[]>()

  add(gateway: string, { epoch, ranges }: Spans): this {
    const key = `${gateway} ${epoch}`
    const held = this.#ranges.get(key) ?? []
    held.push(...ranges)
    this.#ranges.set(key, held)
    return this
  }

  has(gateway: string, epoch: string, seq: number): boolean {
    return (this.#ranges.get(`${gateway} ${epoch}`) ?? []).some(([from, to]) => from <= seq && seq <= to)
  }
}

/** Every position of the ranges up to `last`, once. */
export function* eachOf(ranges: readonly Span[], last: number): Generator<number> {
  const seen = new Set<number>()
  for (const [from, to] of ranges) {
    for (let seq = from; seq <= Math.min(to, last); seq++) {
      if (!seen.has(seq)) yield seq
      seen.add(seq)
    }
  }
}
