/** Judges a finished run from its history alone, knowing nothing of the product's ledger: everything accepted stands in every store once, and no proof lied. */

import type { At, Declared, Held, History, Offered, Placed, Proof, Spans } from './history.ts'
import { eachOf, Positions } from './positions.ts'
import { Presence } from './presence.ts'

export type VerdictClass =
  | 'lost'
  | 'doubled'
  | 'phantom'
  | 'corrupt'
  | 'misfiled'
  | 'false-proof'
  | 'false-write-off'
  | 'deleted-too-early'
  | 'silent'
  | 'needless-request'

export interface Verdict {
  readonly class: VerdictClass
  /** The reading or position it is about. */
  readonly identity: string
  /** Where the reading was seen last. */
  readonly lastSeen: string
  readonly detail: string
}

export interface CheckReport {
  readonly verdicts: readonly Verdict[]
  /** What was looked at, so that a run that checked nothing can be told from a clean one. */
  readonly counts: {
    readonly readings: number
    readonly accepted: number
    readonly unknown: number
    readonly held: number
    readonly excused: number
    readonly proofs: number
    readonly deletions: number
    readonly requested: number
    readonly needless: number
  }
}

/** All rows of one reading. */
interface Known {
  readonly first: Offered
  readonly rows: readonly Offered[]
  /** Copies that must be there, and that may be. */
  readonly least: number
  readonly most: number
}

interface Case {
  readonly history: History
  readonly known: ReadonlyMap<string, Known>
  readonly placed: ReadonlyMap<string, readonly Placed[]>
  readonly presence: Presence
  readonly verdicts: Verdict[]
  readonly counts: { excused: number; proofs: number; deletions: number; requested: number; needless: number }
}

export function check(history: History): CheckReport {
  const known = knownOf(history.offered)
  const counts = { excused: 0, proofs: 0, deletions: 0, requested: 0, needless: 0 }
  const it: Case = {
    history,
    known,
    placed: groupBy(history.placed ?? [], (each) => each.unique),
    presence: new Presence(history),
    verdicts: [],
    counts,
  }
  for (const held of history.held) checkHeld(it, held)
  for (const store of history.requiredStores) checkStore(it, store)
  for (const proof of history.proofs ?? []) checkProof(it, proof)
  checkWriteOffs(it)
  checkQuarantined(it)
  checkDeletions(it)
  checkRequests(it)
  const all = [...known.values()]
  return {
    verdicts: it.verdicts,
    counts: {
      readings: known.size,
      accepted: all.filter((each) => each.least > 0).length,
      unknown: all.filter((each) => each.least === 0 && each.most > 0).length,
      held: history.held.length,
      ...counts,
    },
  }
}

function knownOf(offered: readonly Offered[]): ReadonlyMap<string, Known> {
  const out = new Map<string, Known>()
  for (const [unique, rows] of groupBy(offered, (each) => each.unique)) {
    const first = rows[0]
    if (first === undefined) continue
    const ok = rows.filter((each) => each.outcome === 'ok')
    const maybe = rows.filter((each) => each.outcome !== 'refused')
    // Without a time of its own, a reading can only be told from its repetition by the key of its request.
    const isKnown = rows.every((each) => each.mayBeForgotten !== true)
    const copies = (of: readonly Offered[], known: boolean): number => {
      if (first.time !== null) return known ? Math.min(1, of.length) : of.length
      return new Set(of.map((each, i) => (known && each.idempotencyKey) || `request ${i}`)).size
    }
    out.set(unique, { first, rows, least: copies(ok, true), most: copies(maybe, isKnown) })
  }
  return out
}

function checkHeld(it: Case, held: Held): void {
  const known = held.unique === null ? undefined : it.known.get(held.unique)
  if (known === undefined || known.most === 0) {
    const same = [...it.known.values()].find(({ first }) => isSameSeries(first, held) && first.time === held.time)
    const refused = known === undefined ? '' : ', refused every time it was offered'
    if (same === undefined || known !== undefined)
      say(it, 'phantom', held, `in ${held.store}${refused}: ${held.values}`)
    else say(it, 'corrupt', held, `in ${held.store}: offered ${same.first.values}, holds ${held.values}`)
    return
  }
  const { first } = known
  if (first.values !== held.values) {
    say(it, 'corrupt', held, `in ${held.store}: offered ${first.values}, holds ${held.values}`)
  }
  if (!isSameSeries(first, held) || !isOwnTime(it, first, held)) {
    say(it, 'misfiled', held, `in ${held.store}: offered as ${identityOf(first)}`)
  }
}

function isSameSeries(x: Pick<Offered, 'gateway' | 'type' | 'sensor'>, y: typeof x): boolean {
  return x.gateway === y.gateway && x.type === y.type && x.sensor === y.sensor
}

/** Moved only forward, and by no more nanoseconds than there are other readings of its series to give way to. */
function isOwnTime(it: Case, offered: Offered, held: Held): boolean {
  if (offered.time === null || offered.time === held.time) return true
  const moved = held.time - offered.time
  const others = [...it.known.values()].filter(({ first }) => isSameSeries(first, offered)).length - 1
  return moved > 0n && moved <= BigInt(others)
}

function checkStore(it: Case, store: string): void {
  const copies = groupBy(
    it.history.held.filter((each) => each.store === store && each.unique !== null),
    (each) => each.unique ?? '',
  )
  const excuses = new Excuses(it, store)
  for (const [unique, known] of it.known) {
    const held = copies.get(unique) ?? []
    if (held.length > known.most && known.most > 0) {
      say(it, 'doubled', known.first, `${held.length} times in ${store}, at most ${known.most}`)
    }
    const excused = Math.min(
      excuses.of(unique, held, known.least - held.length),
      Math.max(0, known.least - held.length),
    )
    it.counts.excused += excused
    if (held.length + excused >= known.least) continue
    const written = excuses.isWrittenOffWrongly(unique)
    if (written) say(it, 'false-write-off', known.first, `not in ${store}, written off, and its gateway still holds it`)
    else say(it, 'lost', known.first, `${held.length} of ${known.least} in ${store}, nobody declared it gone`)
    if (!written && isUnnoticed(it, known.first)) {
      say(it, 'silent', known.first, `not in ${store}, and the last proof does not miss it`)
    }
  }
}

function isUnnoticed(it: Case, { gateway, unique }: Offered): boolean {
  const last = (it.history.proofs ?? []).filter((each) => each.gateway === gateway).at(-1)
  if (last === undefined) return false
  const places = it.placed.get(unique) ?? []
  const missing = positionsOf(gateway, last.missing ?? [])
  return last.state !== 'open' || (places.length > 0 && !places.some((at) => missing.has(gateway, at.epoch, at.seq)))
}

/** Which readings need not be in a store, because something durable says so. */
class Excuses {
  readonly #it: Case
  readonly #declared = new Positions()
  readonly #lost = new Positions()
  readonly #inJournal = new Positions()
  /** Declared positions of which it is not known what stood there, by gateway. */
  readonly #unplaced = new Map<string, number>()

  constructor(it: Case, store: string) {
    this.#it = it
    const placed = new Set((it.history.placed ?? []).map((each) => `${each.gateway} ${each.epoch} ${each.seq}`))
    for (const each of it.history.stillInJournal ?? []) this.#inJournal.add(each.gateway, each)
    for (const each of declaredFor(it.history, store)) {
      const positions = each.kind === 'lost' ? this.#lost : this.#declared
      positions.add(each.gateway, each)
      for (const [from, to] of each.ranges) {
        for (let seq = from; seq <= Math.min(to, from + it.known.size); seq++) {
          if (placed.has(`${each.gateway} ${each.epoch} ${seq}`)) continue
          this.#unplaced.set(each.gateway, (this.#unplaced.get(each.gateway) ?? 0) + 1)
        }
      }
    }
  }

  /** How many missing copies of the reading are excused; `wanted` are. */
  of(unique: string, held: readonly Held[], wanted: number): number {
    const places = this.#it.placed.get(unique) ?? []
    const isHeld = (at: Placed): boolean =>
      held.some(({ position }) => position?.epoch === at.epoch && position.seq === at.seq)
    const excused = places.filter((at) => !isHeld(at) && this.#isExcused(at)).length
    if (places.length > 0 || wanted <= 0) return excused
    const gateway = this.#it.known.get(unique)?.first.gateway ?? ''
    const left = this.#unplaced.get(gateway) ?? 0
    this.#unplaced.set(gateway, Math.max(0, left - wanted))
    return Math.min(left, wanted)
  }

  isWrittenOffWrongly(unique: string): boolean {
    return (this.#it.placed.get(unique) ?? []).some(
      (at) => this.#lost.has(at.gateway, at.epoch, at.seq) && this.#inJournal.has(at.gateway, at.epoch, at.seq),
    )
  }

  #isExcused({ gateway, epoch, seq }: Placed): boolean {
    if (this.#declared.has(gateway, epoch, seq)) return true
    return this.#lost.has(gateway, epoch, seq) && !this.#inJournal.has(gateway, epoch, seq)
  }
}

function declaredFor(history: History, store: string): readonly Declared[] {
  return (history.declared ?? []).filter((each) => each.store === undefined || each.store === store)
}

/** Whether every reading that the proof speaks of was there when it was shown. */
function checkProof(it: Case, proof: Proof): void {
  if (proof.state === 'open') return
  it.counts.proofs += 1
  const { gateway, at } = proof
  const covered = new Set<string>()
  const upTo = new Map((proof.covers ?? []).map((each) => [each.epoch, each.upTo]))
  for (const each of it.history.placed ?? []) {
    if (each.gateway === gateway && each.seq <= (upTo.get(each.epoch) ?? 0)) covered.add(each.unique)
  }
  for (const [unique, { first, rows }] of it.known) {
    const before = proof.coversAnsweredBefore ?? Number.NEGATIVE_INFINITY
    if (first.gateway === gateway && rows.some((row) => row.outcome === 'ok' && row.at < before)) covered.add(unique)
  }
  for (const store of it.history.requiredStores) {
    const excuses = excusedAt(it, store, at)
    for (const unique of covered) {
      if (it.presence.isIn(store, unique, at, proof.generations?.[store])) continue
      if (proof.state === 'closed' && excuses.has(unique)) continue
      const first = it.known.get(unique)?.first
      if (first !== undefined) say(it, 'false-proof', first, `${proof.state} at ${at}, but it was not in ${store}`)
    }
  }
}

/** Readings of which something durable had said by then that they are not in the store. */
function excusedAt(it: Case, store: string, at: At): ReadonlySet<string> {
  const positions = new Positions()
  for (const each of declaredFor(it.history, store)) if (each.at <= at) positions.add(each.gateway, each)
  const excused = (it.history.placed ?? []).filter((each) => positions.has(each.gateway, each.epoch, each.seq))
  return new Set(excused.map((each) => each.unique))
}

/** What is counted void or lost, somebody must have declared so. */
function checkWriteOffs(it: Case): void {
  const declared = { void: new Positions(), lost: new Positions() }
  for (const each of it.history.declared ?? []) {
    if (each.kind !== 'quarantined') declared[each.kind].add(each.gateway, each)
  }
  const last = lastPositions(it)
  const at = new Map((it.history.placed ?? []).map((each) => [`${each.gateway} ${each.epoch} ${each.seq}`, each]))
  for (const { kind, gateway, epoch, ranges } of it.history.counted ?? []) {
    for (const seq of eachOf(ranges, last.get(`${gateway} ${epoch}`) ?? 0)) {
      if (declared[kind].has(gateway, epoch, seq)) continue
      const placed = at.get(`${gateway} ${epoch} ${seq}`)
      const first = placed === undefined ? undefined : it.known.get(placed.unique)?.first
      const who = kind === 'void' ? 'its gateway never declared it' : 'no operator wrote it off'
      say(it, 'false-write-off', first ?? `${gateway}/${epoch}/${seq}`, `counted ${kind}, but ${who}`)
    }
  }
}

function lastPositions(it: Case): ReadonlyMap<string, number> {
  const last = new Map<string, number>()
  for (const { gateway, epoch, seq } of it.history.placed ?? []) {
    const key = `${gateway} ${epoch}`
    last.set(key, Math.max(seq, last.get(key) ?? 0))
  }
  return last
}

/** What a store could hold was to be stored, and what gateways tell apart was not to meet. */
function checkQuarantined(it: Case): void {
  const { unfit, noConflicts } = it.history
  const at = new Map((it.history.placed ?? []).map((each) => [`${each.gateway} ${each.epoch} ${each.seq}`, each]))
  for (const { kind, code, gateway, store, epoch, ranges } of it.history.declared ?? []) {
    const isRejection = code === 'rejected' && unfit !== undefined
    if (kind !== 'quarantined' || !(isRejection || (code === 'conflict' && noConflicts === true))) continue
    for (const [from, to] of ranges) {
      for (let seq = from; seq <= to; seq++) {
        const unique = at.get(`${gateway} ${epoch} ${seq}`)?.unique
        if (isRejection && unfit.has(`${store} ${unique}`)) continue
        const first = unique === undefined ? undefined : it.known.get(unique)?.first
        const why = isRejection ? 'which could have held it' : 'where nothing else can have its identity'
        say(it, 'false-write-off', first ?? `${gateway}/${epoch}/${seq}`, `${code} by ${store}, ${why}`)
      }
    }
  }
}

/** A journal may drop what every required store had, or what was declared before. */
function checkDeletions(it: Case): void {
  const at = new Map((it.history.placed ?? []).map((each) => [`${each.gateway} ${each.epoch} ${each.seq}`, each]))
  const last = lastPositions(it)
  for (const deletion of it.history.deletions ?? []) {
    const excused = it.history.requiredStores.map((store) => [store, excusedAt(it, store, deletion.at)] as const)
    for (const seq of eachOf(deletion.ranges, last.get(`${deletion.gateway} ${deletion.epoch}`) ?? 0)) {
      it.counts.deletions += 1
      const placed = at.get(`${deletion.gateway} ${deletion.epoch} ${seq}`)
      if (placed === undefined) continue
      for (const [store, isExcused] of excused) {
        if (it.presence.wasIn(store, placed.unique, deletion.at) || isExcused.has(placed.unique)) continue
        const first = it.known.get(placed.unique)?.first
        const detail = `deleted at ${deletion.at}, never in ${store} by then`
        say(it, 'deleted-too-early', first ?? placed.unique, detail)
      }
    }
  }
}

function checkRequests(it: Case): void {
  const last = lastPositions(it)
  const worst: { requestId: string; needless: number }[] = []
  for (const { requestId, gateway, asked, landed, coming = [] } of it.history.requests ?? []) {
    const had = positionsOf(gateway, [...landed, ...coming])
    let needless = 0
    for (const { epoch, ranges } of asked) {
      for (const seq of eachOf(ranges, last.get(`${gateway} ${epoch}`) ?? 0)) {
        it.counts.requested += 1
        if (had.has(gateway, epoch, seq)) needless += 1
      }
    }
    it.counts.needless += needless
    if (needless > 0) worst.push({ requestId, needless })
  }
  const { needlessMax } = it.history
  if (needlessMax === undefined || it.counts.needless <= needlessMax) return
  const most = worst.sort((x, y) => y.needless - x.needless)[0]
  const detail = `${it.counts.needless} positions asked for that had landed or were on their way, at most ${needlessMax}`
  say(it, 'needless-request', `request ${most?.requestId}`, detail)
}

function positionsOf(gateway: string, spans: readonly Spans[]): Positions {
  const out = new Positions()
  for (const each of spans) out.add(gateway, each)
  return out
}

function say(it: Case, kind: VerdictClass, about: Offered | Held | string, detail: string): void {
  const unique = typeof about === 'string' ? about : about.unique
  const seen = (it.history.sightings ?? []).filter((each) => each.unique === unique)
  const newest = seen.reduce<(typeof seen)[number] | undefined>(
    (x, y) => (x === undefined || y.at >= x.at ? y : x),
    undefined,
  )
  it.verdicts.push({
    class: kind,
    identity: typeof about === 'string' ? about : identityOf(about),
    lastSeen: newest?.place ?? (unique !== null && it.known.has(unique) ? 'the client' : 'nowhere'),
    detail,
  })
}

function identityOf({ gateway, type, sensor, time, unique }: Offered | Held): string {
  return `${gateway}/${type}/${sensor}/${time ?? 'no time'} #${unique ?? '?'}`
}

function groupBy<T>(rows: readonly T[], keyOf: (row: T) => string): ReadonlyMap<string, T[]> {
  const out = new Map<string, T[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const held = out.get(key)
    if (held === undefined) out.set(key, [row])
    else held.push(row)
  }
  return out
}
