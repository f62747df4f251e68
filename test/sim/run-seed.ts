/** One seed from beginning to end: faults on, heal, wait until everything is settled, then the checker. */

import type { MessageTypes } from '../../schemas/message-type.ts'
import type { GatewayId } from '../../schemas/reading.ts'
import { ledgerFromRows } from '../../services/core/ledger.ts'
import { lostOf } from '../../services/core/missing.ts'
import { intersect, subtract, upTo } from '../../services/core/range-set.ts'
import { check } from '../checker/checker.ts'
import type { History, Span } from '../checker/history.ts'
import { Chance } from './chance.ts'
import { Chaos } from './chaos.ts'
import { EXCUSING, type FaultClass, swarm } from './faults.ts'
import { auditDifference, writeOffGone } from './operator.ts'
import { countedOf, heldOf } from './recorder.ts'
import type { Trace } from './scheduler.ts'
import { type Plan, SimWorld } from './sim-world.ts'

export interface SeedVerdict {
  readonly class: string
  readonly identity: string
  readonly lastSeen: string
  readonly detail: string
}

export interface SeedCounts {
  readonly readings: number
  readonly accepted: number
  readonly unknown: number
  readonly events: number
  readonly virtualMs: number
  readonly removedDuplicates: number
  readonly requests: number
  readonly requestedPositions: number
  readonly needless: number
  readonly voids: number
  readonly conflicts: number
  readonly rejected: number
  readonly lostTails: number
  readonly proofs: number
  readonly deletions: number
  readonly excused: number
}

export interface SeedResult {
  readonly plan: Plan
  readonly hash: string
  readonly verdicts: readonly SeedVerdict[]
  readonly counts: SeedCounts
  readonly faults: ReadonlyMap<FaultClass, number>
}

export interface RunOptions {
  readonly trace?: Trace
  readonly untilStep?: number
}

const LANES = ['readings', 'recovery_data', 'landings'] as const
const LIVENESS_MS = 2 * 3_600_000
/** Nothing waits longer than this before it is tried again. */
const STALLED_MS = 900_000
/** The operator looks after so long without any progress. */
const OPERATOR_MS = 180_000
const LOOK_MS = 1_000
/** So many times as often do faults strike in a short run. */
const DENSER = 4
/** One seed of so many is audited at the end. */
const AUDIT_EVERY = 4

/** So large a part of all runs is short; and where longer ones are asked for. */
const SHORT = 0.8
const SHORT_OF_LONGER = 0.2

export function planOf(seed: number, given: Partial<Plan> = {}): Plan {
  const chance = new Chance(seed, 'plan')
  // Many short runs meet more than a few long ones; some harm needs its time.
  const { longer = false } = given
  const isShort = chance.hits(longer ? SHORT_OF_LONGER : SHORT)
  const plan = {
    seed,
    longer,
    gateways: chance.whole(1, 3),
    readings: Math.round(isShort ? chance.skewed(30, 400) : chance.skewed(200, 2_000)),
    stores: chance.whole(1, 2),
    sinksPerStore: chance.whole(1, 2),
    safetyMs: Math.round(isShort ? chance.skewed(4_000, 30_000) : chance.skewed(30_000, 240_000)),
    slicePositions: Math.round(chance.skewed(5, 2_000)),
    rates: swarm(seed, isShort ? DENSER : 1),
  }
  return { ...plan, ...given }
}

export async function runSeed(plan: Plan, types: MessageTypes, options: RunOptions = {}): Promise<SeedResult> {
  const world = await SimWorld.open(plan, types, options.trace)
  const chaos = new Chaos(world)
  chaos.begin()
  const { untilStep = Number.POSITIVE_INFINITY } = options
  const isOver = (): boolean => world.scheduler.step >= untilStep
  for (let ms = 0; ms < plan.safetyMs && !isOver(); ms += LOOK_MS) {
    await world.runFor(LOOK_MS, untilStep)
    await look(world, false)
  }
  if (!isOver()) await chaos.heal()
  const settled = isOver() || (await settles(world, isOver))
  const result = await judged(world, settled, isOver())
  for (const host of [...world.hosts, ...chaos.guests]) host.release()
  return result
}

/** Takes down what proofs say now; true when each of them covers everything and none is open. */
async function look(world: SimWorld, last: boolean): Promise<boolean> {
  const verdicts = await world.proofs()
  for (const each of verdicts) {
    const rows = await world.ledger.store.load(each.gateway as GatewayId)
    const newest = rows === undefined ? undefined : ledgerFromRows(rows).head.lastMark?.epoch
    world.recorder.proof(each, newest ?? '', last)
  }
  const wanted = [...world.gateways.keys()].filter((id) => world.recorder.accepted(id) > 0)
  return wanted.every((id) => {
    const verdict = verdicts.find((each) => each.gateway === id)
    return (
      verdict !== undefined &&
      verdict.state !== 'open' &&
      verdict.pending === 0 &&
      verdict.accepted >= world.recorder.accepted(id)
    )
  })
}

async function settles(world: SimWorld, isOver: () => boolean): Promise<boolean> {
  const beganMs = world.scheduler.nowMs
  let progress = { at: beganMs, settled: -1 }
  let quiet = 0
  let isLookedAt = false
  while (world.scheduler.nowMs - beganMs < LIVENESS_MS && !isOver()) {
    await world.runFor(LOOK_MS)
    const settled = (await world.proofs()).reduce((sum, each) => sum + each.settled + each.void + each.lost, 0)
    if (settled !== progress.settled) {
      progress = { at: world.scheduler.nowMs, settled }
      isLookedAt = false
    }
    const stalledMs = world.scheduler.nowMs - progress.at
    if (stalledMs > STALLED_MS) return false
    if (stalledMs > OPERATOR_MS && !isLookedAt) {
      isLookedAt = true
      await writeOffGone(world)
    }
    quiet = world.workload.waiting === 0 && (await look(world, false)) ? quiet + 1 : 0
    // Marks after the last answer, so that a proof that speaks too early is met as well.
    if (quiet >= 5) return true
  }
  return false
}

async function judged(world: SimWorld, settled: boolean, cutShort: boolean): Promise<SeedResult> {
  const { recorder, plan, scheduler, faults } = world
  await look(world, true)
  const said = await recorder.fromLog(
    world.codec,
    world.stores.map((each) => each.name),
  )
  const history = await historyOf(world, said.requests)
  let report = check(history)
  const verdicts: SeedVerdict[] = []
  if (!cutShort) {
    if (report.verdicts.length > 0) {
      const uniques = new Set(report.verdicts.map((each) => each.identity.slice(each.identity.lastIndexOf('#') + 1)))
      report = check({ ...history, sightings: recorder.sightings(uniques) })
    }
    verdicts.push(...report.verdicts)
    if (!settled) verdicts.push(...(await waiting(world)))
    else if (!world.gatewaysForget && plan.seed % AUDIT_EVERY === 0) verdicts.push(...(await audited(world)))
  }
  for (const { who, what } of world.bugs) verdicts.push({ class: 'ended', identity: who, lastSeen: '', detail: what })
  scheduler.note(JSON.stringify([history.held.map((each) => [each.store, each.unique, `${each.time}`]), report.counts]))
  const { removedDuplicates, voids, conflicts, rejected, lostTails } = recorder.counts
  const { readings, accepted, unknown, needless, proofs, deletions, excused, requested } = report.counts
  return {
    plan,
    hash: scheduler.hash,
    verdicts,
    faults: faults.counts,
    counts: {
      readings,
      accepted,
      unknown,
      events: scheduler.step,
      virtualMs: Math.round(scheduler.nowMs),
      removedDuplicates,
      requests: said.requests.length,
      requestedPositions: requested,
      needless,
      voids,
      conflicts,
      rejected,
      lostTails,
      proofs,
      deletions,
      excused,
    },
  }
}

async function historyOf(world: SimWorld, requests: NonNullable<History['requests']>): Promise<History> {
  const { recorder, stores, gateways } = world
  const held = []
  for (const store of stores) held.push(...(await world.stored(store)).map((each) => heldOf(store.name, each)))
  const stillInJournal = []
  for (const { journal, id, running } of gateways.values()) {
    if (journal === undefined || !running) continue
    for (const { epoch, lastSeq, voided, pruned } of journal.epochs()) {
      const ranges = subtract(
        upTo(lastSeq),
        [...voided.map((each) => each.range), ...pruned].sort((x, y) => x[0] - y[0]),
      )
      stillInJournal.push({ gateway: id, epoch, ranges })
    }
  }
  const { offered, placed, stays, declared, deletions, proofs } = recorder
  const unfit = new Set<string>()
  for (const { unique } of placed) {
    for (const { name } of stores) if (world.refuses(name, unique)) unfit.add(`${name} ${unique}`)
  }
  return {
    requiredStores: stores.map((each) => each.name),
    offered,
    held,
    stays,
    placed,
    declared,
    deletions,
    proofs,
    requests,
    stillInJournal,
    counted: await countedIn(world),
    unfit,
    noConflicts: !world.gatewaysForget,
    ...((await isAskedInVain(world)) ? {} : { needlessMax: 0 }),
  }
}

/** Whether a request can be for what has landed by the time that it is on the log. */
async function isAskedInVain({ faults, log }: SimWorld): Promise<boolean> {
  if (EXCUSING.some((kind) => faults.has(kind))) return true
  // Where the log's own clock jumped ahead, its retention takes what was still to be read.
  const lanes = await Promise.all(LANES.map((topic) => log.log.offsets(topic)))
  return lanes.flat().some(({ first }) => first > 0)
}

async function countedIn(world: SimWorld): Promise<NonNullable<History['counted']>> {
  const out = []
  for (const gateway of await world.ledger.store.gateways()) {
    const rows = await world.ledger.store.load(gateway)
    if (rows === undefined) continue
    for (const epoch of ledgerFromRows(rows).epochs.values()) {
      out.push(...countedOf(gateway, 'void', [{ epoch: epoch.epoch, ranges: epoch.voided as readonly Span[] }]))
      out.push(
        ...countedOf(gateway, 'lost', [{ epoch: epoch.epoch, ranges: intersect(lostOf(epoch), upTo(epoch.bound)) }]),
      )
    }
  }
  return out
}

/** A journal that forgets can't keep its manifests equal to what it was offered; in all other runs they are equal to the stores. */
async function audited(world: SimWorld): Promise<readonly SeedVerdict[]> {
  const difference = await auditDifference(world)
  if (difference === undefined) return []
  return [{ class: 'audit-differs', identity: 'tidemark verify', lastSeen: '', detail: difference.slice(0, 2_000) }]
}

/** What is not settled, and what it waits for. */
async function waiting(world: SimWorld): Promise<readonly SeedVerdict[]> {
  const out: SeedVerdict[] = []
  if (world.workload.waiting > 0) {
    out.push({
      class: 'unsettled',
      identity: 'clients',
      lastSeen: '',
      detail: `${world.workload.waiting} requests have no answer`,
    })
  }
  for (const verdict of await world.proofs()) {
    const { gateway, state, because, epochs, pending, accepted, due } = verdict
    if (state !== 'open' && pending === 0 && accepted >= world.recorder.accepted(gateway)) continue
    const rows = await world.ledger.store.load(gateway as GatewayId)
    const head = rows === undefined ? undefined : ledgerFromRows(rows).head
    const said = [
      `${state}, ${pending} pending of ${accepted} known of ${world.recorder.accepted(gateway)}, due ${due}`,
      ...because,
      ...epochs.map(
        (each) =>
          `${each.epoch} ${each.state} final ${each.final_seq} bound ${each.bound} missing ${JSON.stringify(each.missing)}`,
      ),
      `requests ${JSON.stringify(head?.requests)} fruitless ${head?.fruitless}`,
      ...world.sinks.map((each) => `${each.name} ${each.running ? JSON.stringify(each.sink?.health) : 'not running'}`),
      ...world.recoveries.map(
        (each) => `${each.name} ${each.running ? JSON.stringify(each.recovery?.counts) : 'not running'}`,
      ),
    ]
    out.push({ class: 'unsettled', identity: gateway, lastSeen: '', detail: said.join('; ') })
  }
  return out
}
