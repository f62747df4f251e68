/** Keeps the ledger's rows. Adapters: `infra/embedded`, MongoDB. Contract: `test/contract/ledger-store.ts`. */

import type { GatewayId } from '../../schemas/reading.ts'

/** A gateway's ledger as it is kept: one head and one row an epoch, each a JSON value. */
export interface LedgerRows {
  /** Goes up by one at every save. */
  readonly version: number
  readonly head: unknown
  readonly epochs: ReadonlyMap<string, unknown>
}

export interface LedgerChange {
  readonly head: unknown
  /** Only the rows that changed; `null` removes one. */
  readonly epochs: ReadonlyMap<string, unknown>
}

export interface LedgerStore extends AsyncDisposable {
  /** `undefined` for a gateway never saved. */
  load(gateway: GatewayId): Promise<LedgerRows | undefined>
  /**
   * All or nothing, durable when it resolves with the new version. Throws `ledger-conflict` when the kept version is not `expected`
   * (0 for a new gateway), so that of two writers one learns that it is no longer the owner. `ledger-unavailable` is worth another try.
   */
  save(gateway: GatewayId, expected: number, change: LedgerChange): Promise<number>
  gateways(): Promise<readonly GatewayId[]>
  /** Of every gateway, at far less cost than loading: whoever looks often loads only what has another version than before. */
  versions(): Promise<ReadonlyMap<GatewayId, number>>
}
