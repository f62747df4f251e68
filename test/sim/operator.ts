/** The operator of a simulated run: commands given beside the services, through a log connection of their own. */

import { pino } from 'pino'
import type { CommandContext } from '../../services/commands/context.ts'
import { runVerify } from '../../services/commands/verify.ts'
import { runWriteoff } from '../../services/commands/writeoff.ts'
import { formatRanges } from '../../services/core/headers.ts'
import { ledgerFromRows, storeEpoch } from '../../services/core/ledger.ts'
import { lostOf, settledIn } from '../../services/core/missing.ts'
import { isEmpty, type RangeSet, subtract, union, upTo } from '../../services/core/range-set.ts'
import { Chance } from './chance.ts'
import { Process } from './machine.ts'
import { openRoute } from './sim-log.ts'
import type { SimWorld } from './sim-world.ts'

const AUDIT_AFTER_MS = 30_000

/** Writes off what a store lacks and no gateway holds any more. */
export async function writeOffGone(world: SimWorld): Promise<void> {
  const context = contextOf(world)
  for (const gateway of await world.ledger.store.gateways()) {
    const rows = await world.ledger.store.load(gateway)
    if (rows === undefined) continue
    const ledger = ledgerFromRows(rows)
    for (const epoch of ledger.epochs.values()) {
      let gone: RangeSet = []
      for (const name of world.settings.stores) {
        const state = ledger.head.stores[name]
        gone = union(gone, subtract(storeEpoch(epoch, state).gone, settledIn(epoch, state)))
      }
      gone = subtract(subtract(gone, lostOf(epoch)), subtract(gone, upTo(epoch.bound)))
      const isDestroyed = world.recorder.isDestroyed(gateway, epoch.epoch)
      if (isDestroyed ? !isEmpty(lostOf(epoch)) : isEmpty(gone)) continue
      // An open end closes an epoch whose final nobody can tell any more.
      const ranges = isDestroyed ? '1-' : formatRanges(gone)
      const options = { gateway, epoch: epoch.epoch, ranges, reason: 'no gateway holds it' }
      await world.finish(runWriteoff(context, options))
    }
  }
}

/** What `tidemark verify` says once everything is settled; undefined where manifests and stores are equal. */
export async function auditDifference(world: SimWorld): Promise<string | undefined> {
  // Gateways publish the last manifests meanwhile.
  await world.runFor(AUDIT_AFTER_MS)
  let report = ''
  const out = async (text: string): Promise<void> => {
    report += text
  }
  const code = await world.finish(runVerify({ ...contextOf(world), out }, { json: true }))
  return code === 0 ? undefined : report
}

function contextOf(world: SimWorld): CommandContext {
  const { codec, ledger, log, plan, settings, stores, registry, types } = world
  const process = new Process('operator', log.machine)
  return {
    settings,
    codec,
    registry,
    types,
    messageLog: log.client(process, openRoute()),
    stores: new Map(stores.map((each) => [each.name, each.client(process)])),
    ledger: ledger.store,
    clock: process.clock,
    random: new Chance(plan.seed, 'operator'),
    logger: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    out: async () => undefined,
    note: () => undefined,
    terminal: false,
  }
}
