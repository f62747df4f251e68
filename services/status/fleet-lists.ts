/** Lists over the whole fleet, newest first: outages, and what gateways were asked for. */

import type { GatewayId } from '../../schemas/reading.ts'
import { ledgerFromRows } from '../core/ledger.ts'
import type { VerdictMoment } from '../core/verdict.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import { outageRows } from './gateway-detail.ts'
import type { Judged } from './judged.ts'
import type { OutageRow, RequestRow } from './page-api.ts'

export interface OutageQuestion {
  readonly ledger: LedgerStore
  readonly moment: VerdictMoment
  readonly limit: number
  breathe(): Promise<void>
}

/** Loads only the ledgers that the newest ones stand in. */
export async function newestOutages(
  judged: ReadonlyMap<string, Judged>,
  { ledger, moment, limit, breathe }: OutageQuestion,
  signal: AbortSignal,
): Promise<readonly OutageRow[]> {
  const all = [...judged].flatMap(([gateway, { outages }]) => outages.map((each) => ({ gateway, ...each })))
  const chosen = all.sort((x, y) => y.atMs - x.atMs).slice(0, limit)
  const rows = new Map<string, OutageRow>()
  const wanted = new Map<string, Set<string>>()
  for (const { gateway, id } of chosen) wanted.set(gateway, (wanted.get(gateway) ?? new Set()).add(id))
  for (const [gateway, ids] of wanted) {
    signal.throwIfAborted()
    const kept = await ledger.load(gateway as GatewayId)
    if (kept === undefined) continue
    const held = ledgerFromRows(kept)
    const outages = held.head.outages.filter(({ id }) => ids.has(id))
    for (const row of outageRows(held, outages, moment)) rows.set(`${gateway} ${row.id}`, row)
    await breathe()
  }
  return chosen.flatMap(({ gateway, id }) => rows.get(`${gateway} ${id}`) ?? [])
}

export function newestRequests(judged: ReadonlyMap<string, Judged>, limit: number): readonly RequestRow[] {
  const all = [...judged.values()].flatMap(({ requests }) => requests)
  const newest = all.sort((x, y) => y.atMs - x.atMs).slice(0, limit)
  return newest.map(({ row }) => row)
}
