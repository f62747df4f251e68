/** When which reading was in which store: from the stays of the history or, where it has none, from what is held at the end. */

import type { At, History, Stay } from './history.ts'

export class Presence {
  readonly #stays = new Map<string, Stay[]>()

  constructor({ stays, held }: History) {
    const all: readonly Stay[] =
      stays ??
      held.map(({ store, unique }) => ({ store, unique: unique ?? '', generation: '', from: Number.NEGATIVE_INFINITY }))
    this.#anyGeneration = stays === undefined
    for (const stay of all) {
      const key = `${stay.store} ${stay.unique}`
      this.#stays.set(key, [...(this.#stays.get(key) ?? []), stay])
    }
  }

  readonly #anyGeneration: boolean

  /** There at that moment; in that generation where one is named. */
  isIn(store: string, unique: string, at: At, generation?: string): boolean {
    return (this.#stays.get(`${store} ${unique}`) ?? []).some(
      (each) =>
        each.from <= at &&
        (each.to === undefined || at < each.to) &&
        (generation === undefined || this.#anyGeneration || each.generation === generation),
    )
  }

  /** There at that moment or at any before. */
  wasIn(store: string, unique: string, at: At): boolean {
    return (this.#stays.get(`${store} ${unique}`) ?? []).some((each) => each.from <= at)
  }
}
