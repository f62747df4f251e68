/** `tidemark verify`: the independent audit. Manifests against what the stores hold, read back; what is missing is revoked, so that it is sent again. */

import { sumHex } from '../../schemas/canonical.ts'
import type { Epoch, GatewayId } from '../../schemas/reading.ts'
import type { EpochRanges, QuarantineEntry, Revoked } from '../../schemas/records/events.ts'
import { dayOf, dayStartMs } from '../../schemas/time.ts'
import { type Ledger, ledgerFromRows, storeEpoch } from '../core/ledger.ts'
import { contains, rangesOf } from '../core/range-set.ts'
import { inOrder } from '../core/verdict.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import { askGateway } from './ask-gateway.ts'
import {
  type AuditScope,
  dayContent,
  type Expected,
  expectedSums,
  type Found,
  foundSums,
  type IsLater,
  isCounted,
  isEqual,
  keyOf,
  leaveOut,
  type SeriesDay,
  timeKey,
} from './audit-sums.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { counted, type ProgressBar, progressBar } from './progress-bar.ts'
import { openEntries } from './quarantine-entries.ts'
import { printJson, tableText } from './table.ts'

export interface VerifyOptions extends AuditScope {
  readonly json?: boolean | undefined
}

export interface DayDifference extends SeriesDay {
  readonly store: string
  readonly expected: number
  readonly found: number
  /** Of the readings the gateway still holds: not in the store, or there with other values. */
  readonly missing: number
  readonly differing: number
  /** What was found out, for people. */
  readonly note: string
}

type Refused = NonNullable<QuarantineEntry['identity']> & { readonly gateway: GatewayId }

function positionKey(gateway: GatewayId, epoch: Epoch, seq: number): string {
  return `${gateway} ${epoch} ${seq}`
}

interface StoreAudit {
  readonly store: string
  readonly days: number
  readonly readings: number
  readonly differences: readonly DayDifference[]
  readonly revoked: number
}

const ANSWER_TIMEOUT_MS = 30_000
const DAY_MS = 86_400_000

export async function runVerify(context: CommandContext, options: VerifyOptions): Promise<ExitCode> {
  const { settings, stores } = context
  const ends = await endsOf(context)
  const ledgers = await loadLedgers(context, options.gateway)
  const audits: StoreAudit[] = []
  for (const name of settings.stores) {
    const store = stores.get(name)
    if (store === undefined) continue
    const bar = progressBar(context, `verify ${name}`, { quiet: options.json })
    try {
      audits.push(await auditStore({ ...context, note: bar.note }, store, options, ledgers, ends, bar))
    } finally {
      bar.clear()
    }
  }
  const equal = audits.every((audit) => audit.differences.length === 0)
  if (options.json === true) await printJson(context, { state: equal ? 'equal' : 'differs', stores: audits })
  else await printAudits(context, audits)
  return equal ? 0 : 1
}

type Ends = readonly { readonly readings: number; readonly recoveryData: number }[]

/** Where the source topics end before any store is read: what lands from later offsets is newer than this audit. */
async function endsOf({ messageLog }: CommandContext): Promise<Ends> {
  const [readings, recoveryData] = await Promise.all([
    messageLog.offsets('readings'),
    messageLog.offsets('recovery_data'),
  ])
  return readings.map((each, i) => ({ readings: each.next, recoveryData: recoveryData[i]?.next ?? 0 }))
}

async function loadLedgers({ ledger }: CommandContext, gateway?: string): Promise<ReadonlyMap<GatewayId, Ledger>> {
  const out = new Map<GatewayId, Ledger>()
  for (const each of await ledger.gateways()) {
    const rows = gateway === undefined || each === gateway ? await ledger.load(each) : undefined
    if (rows !== undefined) out.set(each, ledgerFromRows(rows))
  }
  return out
}

async function auditStore(
  context: CommandContext,
  store: ReadingStore,
  scope: AuditScope,
  ledgers: ReadonlyMap<GatewayId, Ledger>,
  ends: Ends,
  bar: ProgressBar,
): Promise<StoreAudit> {
  const generation = await store.generation()
  const expected = await expectedSums(context, scope)
  const order = epochRanks(ledgers)
  const isLater: IsLater = (gateway, epoch, than) => {
    const ranks = order.get(gateway)
    return (ranks?.get(epoch) ?? 0) > (ranks?.get(than) ?? Number.MAX_SAFE_INTEGER)
  }
  const refused = await refusedOf(context, store.name, ledgers)
  leaveOutRefused(refused.values(), expected, isLater)
  const total = [...expected.values()].reduce((sum, { count }) => sum + count, 0)
  const found = await foundSums(context, store, scope, expected, isLater, (readings) =>
    bar.show(readings, total === 0 ? undefined : readings / total),
  )
  bar.clear()
  const unequal = [...new Set([...expected.keys(), ...found.keys()])]
    .filter((key) => !isEqual(expected.get(key), found.get(key)))
    .toSorted()
  const differences: DayDifference[] = []
  const silent = new Set<GatewayId>()
  let revoked = 0
  for (const [i, key] of unequal.entries()) {
    bar.show(i, i / unequal.length, `asks about sensor day ${counted(i + 1)} of ${counted(unequal.length)}`)
    const [want, held] = [expected.get(key), found.get(key)]
    if (want === undefined) differences.push(unexpected(store.name, key, held))
    else {
      const { difference, missing } = await examine(context, store, want, held, refused, silent)
      if (difference !== undefined) differences.push(difference)
      if (missing.length > 0)
        revoked += await revoke(context, store.name, generation, want.gateway, missing, ledgers, ends)
    }
  }
  const readings = [...found.values()].reduce((sum, each) => sum + each.count, 0)
  return {
    store: store.name,
    days: new Set([...expected.keys(), ...found.keys()]).size,
    readings,
    differences,
    revoked,
  }
}

function epochRanks(ledgers: ReadonlyMap<GatewayId, Ledger>): ReadonlyMap<GatewayId, ReadonlyMap<Epoch, number>> {
  return new Map(
    [...ledgers].map(([gateway, ledger]) => [gateway, new Map(inOrder(ledger).map((each, i) => [each.epoch, i]))]),
  )
}

/** What the store rightly does not hold, by position: conflicts and rejects, unless they landed after all. Every generation of the store refuses them anew. */
async function refusedOf(
  context: CommandContext,
  store: string,
  ledgers: ReadonlyMap<GatewayId, Ledger>,
): Promise<ReadonlyMap<string, Refused>> {
  const out = new Map<string, Refused>()
  for await (const { entry } of openEntries(context)) {
    const { identity } = entry
    if (entry.store !== store || identity === undefined) continue
    const gateway = entry.gateway as GatewayId
    const ledger = ledgers.get(gateway)
    const epoch = ledger?.epochs.get(identity.epoch)
    if (ledger === undefined || epoch === undefined) continue
    if (contains(storeEpoch(epoch, ledger.head.stores[store]).landed, identity.seq)) continue
    out.set(positionKey(gateway, identity.epoch, identity.seq), { ...identity, gateway })
  }
  return out
}

/** Those of them that the manifests count. */
function leaveOutRefused(refused: Iterable<Refused>, expected: ReadonlyMap<string, Expected>, isLater: IsLater): void {
  for (const { gateway, type, sensor, ms, epoch, seq, digest } of refused) {
    const want = expected.get(keyOf({ gateway, type, sensor, day: dayOf(ms) }))
    if (want !== undefined && isCounted(want, epoch, seq, isLater)) leaveOut(want, digest)
  }
}

function unexpected(store: string, key: string, found: Found | undefined): DayDifference {
  const [gateway = '', type = '', sensor = '', day = ''] = key.split('/')
  const note = 'in the store, and in no manifest: published too early, or not from this gateway'
  const counts = { expected: 0, found: found?.count ?? 0, missing: 0, differing: 0 }
  return { store, gateway: gateway as GatewayId, type, sensor, day, ...counts, note }
}

interface Missing {
  readonly epoch: Epoch
  readonly seq: number
}

/** Asks the gateway for the sensor and day, and compares with what the store held before the answer could land. */
async function examine(
  context: CommandContext,
  store: ReadingStore,
  want: Expected,
  found: Found | undefined,
  refused: ReadonlyMap<string, Refused>,
  silent: Set<GatewayId>,
): Promise<{ readonly difference: DayDifference | undefined; readonly missing: readonly Missing[] }> {
  const { gateway, type, sensor, day } = want
  const base = { store: store.name, gateway, type, sensor, day, expected: want.count, found: found?.count ?? 0 }
  const content = await dayContent(context, store, want)
  const fromMs = dayStartMs(day)
  const window = { fromMs, toMs: fromMs + DAY_MS, type, sensor }
  const answer = silent.has(gateway) ? undefined : await askGateway(context, gateway, window, ANSWER_TIMEOUT_MS)
  if (answer === undefined) {
    silent.add(gateway)
    const note = 'the gateway did not answer, so it is not known which readings; run verify again when it is connected'
    return { difference: { ...base, missing: 0, differing: 0, note }, missing: [] }
  }
  const counted = answer.filter(
    ({ epoch, reading }) =>
      !refused.has(positionKey(gateway, epoch, reading.seq)) &&
      want.asOf.some((asOf) => asOf.epoch !== epoch || reading.seq <= asOf.seq),
  )
  const missing = counted.filter((each) => !content.has(timeKey(each.reading)))
  const differing = counted.filter((each) => {
    const held = content.get(timeKey(each.reading))
    return held !== undefined && held !== sumHex(each.reading.digest)
  })
  const note = noteOn(missing.length, differing.length, counted.length < want.count)
  // Landed between the sums and the second look: equal after all.
  if (missing.length === 0 && differing.length === 0 && content.size >= want.count)
    return { difference: undefined, missing: [] }
  return {
    difference: { ...base, missing: missing.length, differing: differing.length, note },
    missing: missing.map((each) => ({ epoch: each.epoch, seq: each.reading.seq })),
  }
}

function noteOn(missing: number, differing: number, gatewayHoldsLess: boolean): string {
  const out: string[] = []
  if (missing > 0) out.push('sent again')
  if (differing > 0) out.push('the store holds other values than the gateway accepted')
  if (gatewayHoldsLess) out.push('the gateway no longer holds all of this day')
  return out.length === 0 ? 'sums differ, no reading of the gateway is missing' : out.join('; ')
}

/** Takes back what the ledger believed landed. Returns how many positions. */
async function revoke(
  context: CommandContext,
  store: string,
  generation: string,
  gateway: GatewayId,
  missing: readonly Missing[],
  ledgers: ReadonlyMap<GatewayId, Ledger>,
  ends: Ends,
): Promise<number> {
  const ledger = ledgers.get(gateway)
  const byEpoch = new Map<Epoch, number[]>()
  for (const { epoch, seq } of missing) {
    const held = ledger?.epochs.get(epoch)
    if (ledger === undefined || held === undefined) continue
    if (!contains(storeEpoch(held, ledger.head.stores[store]).landed, seq)) continue
    byEpoch.set(epoch, [...(byEpoch.get(epoch) ?? []), seq])
  }
  if (byEpoch.size === 0) return 0
  const { messageLog, codec, clock } = context
  const end = ends[messageLog.partitionOf(gateway)]
  const revoked: EpochRanges[] = [...byEpoch].map(([epoch, seqs]) => ({ epoch, ranges: rangesOf(seqs) }))
  const record: Revoked = {
    kind: 'revoked',
    gateway,
    store,
    generation,
    timeMs: clock.wallMs(),
    revoked,
    ends: [
      { topic: 'readings', next: end?.readings ?? 0 },
      { topic: 'recovery_data', next: end?.recoveryData ?? 0 },
    ],
  }
  await messageLog.produce('landings', [{ key: gateway, value: await codec.encode('landings', record) }])
  return [...byEpoch.values()].reduce((sum, seqs) => sum + seqs.length, 0)
}

async function printAudits(context: CommandContext, audits: readonly StoreAudit[]): Promise<void> {
  for (const audit of audits) {
    const verdict = audit.differences.length === 0 ? 'equal' : `${audit.differences.length} days differ`
    await context.out(`${audit.store}: ${audit.readings} readings in ${audit.days} sensor days read back: ${verdict}\n`)
    if (audit.differences.length === 0) continue
    const rows = audit.differences.map(({ store: _, ...row }) => row)
    await context.out(tableText(rows, context.columns))
    if (audit.revoked > 0)
      await context.out(`${audit.revoked} positions revoked: they are missing now and are sent again\n`)
  }
}
