/** What recovery tells a gateway: which positions are settled in every required store. */

import type { Epoch } from '../../schemas/reading.ts'
import type { ReceiptRecord } from '../../schemas/records/events.ts'
import { currentGeneration, type Ledger } from './ledger.ts'
import { settledEverywhere } from './missing.ts'
import { equal, isEmpty, subtract, upTo } from './range-set.ts'

/** At most so many epochs in one receipt; the others come in the next. */
const EPOCHS_MAX = 500

/**
 * The receipt that is due for these epochs, or undefined while a required store has not shown itself. An epoch is complete here when it has a final
 * and everything up to it is settled: then the gateway need not speak of it again.
 */
export function receiptFor(
  ledger: Ledger,
  required: readonly string[],
  epochs: Iterable<Epoch>,
  timeMs: number,
): ReceiptRecord | undefined {
  const stores = []
  for (const store of required) {
    const state = ledger.head.stores[store]
    const generation = (state === undefined ? undefined : currentGeneration(state))?.generation
    if (generation === undefined) return undefined
    stores.push({ store, generation })
  }
  const rows = []
  for (const id of epochs) {
    const epoch = ledger.epochs.get(id)
    if (epoch === undefined || rows.length >= EPOCHS_MAX) continue
    const settled = settledEverywhere(ledger, epoch, required)
    const complete = epoch.final !== null && isEmpty(subtract(upTo(epoch.final), settled))
    rows.push({ epoch: id, settled, complete })
  }
  return rows.length === 0 ? undefined : { gateway: ledger.head.gateway, timeMs, stores, epochs: rows }
}

/** Does the newer receipt say anything the older did not? */
export function saysMore(newer: ReceiptRecord, older: ReceiptRecord | undefined): boolean {
  if (older === undefined || JSON.stringify(newer.stores) !== JSON.stringify(older.stores)) return true
  const before = new Map(older.epochs.map((each) => [each.epoch, each]))
  return newer.epochs.some((each) => {
    const held = before.get(each.epoch)
    return held === undefined || held.complete !== each.complete || !equal(held.settled, each.settled)
  })
}
