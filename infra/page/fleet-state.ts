/** The fleet as this page knows it: rows by gateway, sums kept as they change, and who wants to hear of it. */

import type { Fleet, FleetChanges, FleetCounts, GatewayRow } from '../../services/status/page-api.ts'

/** The gateways whose rows differ, or `all` after the whole fleet came anew. */
export type Changed = ReadonlySet<string> | 'all'

const NO_COUNTS: FleetCounts = { gateways: 0, complete: 0, closed: 0, open: 0, silent: 0, cut: 0 }

export class FleetState {
  readonly #rows = new Map<string, GatewayRow>()
  readonly #listeners = new Set<(changed: Changed) => void>()
  #accepted = 0
  #settled = 0
  #counts = NO_COUNTS
  #asOf: string | null = null
  /** Whether the whole held as many rows as the server counted. */
  #isCounted = false

  get rows(): ReadonlyMap<string, GatewayRow> {
    return this.#rows
  }

  get counts(): FleetCounts {
    return this.#counts
  }

  /** `null` before the first news. */
  get asOf(): string | null {
    return this.#asOf
  }

  /** Readings of all gateways. */
  get accepted(): number {
    return this.#accepted
  }

  get settled(): number {
    return this.#settled
  }

  whole(fleet: Fleet): void {
    this.#rows.clear()
    this.#accepted = 0
    this.#settled = 0
    this.#isCounted = fleet.gateways.length === fleet.counts.gateways
    this.#take(fleet, 'all')
  }

  /** Returns whether the rows are still as many as the server counts; else some are gone, and the whole is to be asked for. */
  change(changes: FleetChanges): boolean {
    this.#take(changes, new Set(changes.gateways.map(({ gateway }) => gateway)))
    return !this.#isCounted || this.#rows.size === changes.counts.gateways
  }

  /** Returns what ends it. */
  listen(listener: (changed: Changed) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #take({ as_of, counts, gateways }: Fleet | FleetChanges, changed: Changed): void {
    for (const row of gateways) {
      const before = this.#rows.get(row.gateway)
      this.#accepted += row.accepted - (before?.accepted ?? 0)
      this.#settled += row.settled - (before?.settled ?? 0)
      this.#rows.set(row.gateway, row)
    }
    this.#counts = counts
    this.#asOf = as_of
    for (const listener of this.#listeners) listener(changed)
  }
}
