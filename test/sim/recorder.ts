/** Writes the history of a simulated run for the checker: what really happened at journals, stores and log, whoever was told of it. */

import type { WireCodec } from '../../schemas/codec.ts'
import type { Epoch, PositionedReading, Values } from '../../schemas/reading.ts'
import type { GatewayVerdict } from '../../services/core/verdict.ts'
import type { Journal } from '../../services/ports/journal.ts'
import type { Outgoing } from '../../services/ports/message-log.ts'
import type { ArrivingReading, StoredReading, WriteResult } from '../../services/ports/reading-store.ts'
import type { TopicName } from '../../topics/index.ts'
import type {
  Counted,
  Declared,
  Deletion,
  Held,
  Offered,
  Placed,
  Proof,
  Sighting,
  Span,
  Stay,
} from '../checker/history.ts'
import { requestsOf } from './requests-of.ts'
import type { Scheduler } from './scheduler.ts'

/** A record of the log, kept as it came; read when the run is over. */
export interface Kept {
  readonly at: number
  readonly topic: TopicName
  readonly record: Outgoing
  readonly offset: number
}

/** What of an epoch has been written down. */
interface Seen {
  upTo: number
  readonly voided: Set<number>
  readonly pruned: Set<number>
}

const UNIQUE_FIELDS = ['n', 'temperature', 'moisture'] as const

export class Recorder {
  readonly offered: Offered[] = []
  readonly placed: Placed[] = []
  readonly stays: Stay[] = []
  readonly declared: Declared[] = []
  readonly deletions: Deletion[] = []
  readonly proofs: Proof[] = []
  readonly kept: Kept[] = []
  readonly counts = { removedDuplicates: 0, conflicts: 0, rejected: 0, stored: 0, lostTails: 0, voids: 0 }
  readonly #scheduler: Scheduler
  /** Epochs by gateway, in order of their beginning. */
  readonly #epochs = new Map<string, string[]>()
  readonly #seen = new Map<string, Seen>()
  readonly #landings: Sighting[] = []
  /** Epochs that went with a disk, as `GATEWAY EPOCH`. */
  readonly #destroyed = new Set<string>()
  readonly #lastProof = new Map<string, string>()

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  /** Reads what is new in a journal. Call when it is opened and after everything that changes it. */
  scan(journal: Journal): void {
    const at = this.#scheduler.step
    const gateway = journal.gateway
    const order = this.#epochs.get(gateway) ?? []
    this.#epochs.set(gateway, order)
    for (const { epoch, lastSeq, voided, pruned } of journal.epochs()) {
      if (!order.includes(epoch)) order.push(epoch)
      const key = `${gateway} ${epoch}`
      const seen = this.#seen.get(key) ?? { upTo: 0, voided: new Set<number>(), pruned: new Set<number>() }
      this.#seen.set(key, seen)
      if (lastSeq > seen.upTo) {
        for (const piece of journal.read(epoch, [seen.upTo + 1, lastSeq], 5_000)) {
          if (piece.kind === 'readings') for (const each of piece.readings) this.#place(gateway, epoch, each)
        }
        seen.upTo = lastSeq
      }
      const gone = newOnes(
        seen.voided,
        voided.map((each) => each.range),
      )
      if (gone.length > 0) {
        this.declared.push({ kind: 'void', gateway, epoch, ranges: gone, at })
        this.counts.voids += gone.reduce((sum, [from, to]) => sum + to - from + 1, 0)
      }
      const dropped = newOnes(seen.pruned, pruned)
      if (dropped.length > 0) this.deletions.push({ gateway, epoch, ranges: dropped, at })
    }
  }

  /** The life of a journal that begins now, also when it never takes a reading. */
  opened(journal: Journal): void {
    this.scan(journal)
    this.#epochs.get(journal.gateway)?.push(journal.epoch)
  }

  /** What its disk alone held is gone, and everybody may know it. */
  diskReplaced(gateway: string): void {
    const at = this.#scheduler.step
    for (const epoch of this.#epochs.get(gateway) ?? []) {
      this.#destroyed.add(`${gateway} ${epoch}`)
      const { upTo = 0 } = this.#seen.get(`${gateway} ${epoch}`) ?? {}
      this.declared.push({ kind: 'lost', gateway, epoch, ranges: [[1, upTo]], at })
    }
  }

  isDestroyed(gateway: string, epoch: string): boolean {
    return this.#destroyed.has(`${gateway} ${epoch}`)
  }

  landed(store: string, readings: readonly ArrivingReading[], { generation, landings }: WriteResult): void {
    const from = this.#scheduler.step
    for (const [i, { reading }] of readings.entries()) {
      const outcome = landings[i]?.outcome
      const unique = uniqueOf(reading.values) ?? ''
      if (outcome === 'stored') this.counts.stored += 1
      else if (outcome === 'duplicate') this.counts.removedDuplicates += 1
      else if (outcome === 'conflict') this.counts.conflicts += 1
      this.#landings.push({ unique, place: `${store}: ${outcome}`, at: from })
      if (outcome === 'stored' || outcome === 'duplicate') this.stays.push({ store, generation, unique, from })
    }
  }

  /** A store stands there with other content than before. */
  replaced(store: string, generation: string, content: readonly StoredReading[]): void {
    const from = this.#scheduler.step
    for (const { reading } of content) {
      this.stays.push({ store, generation, unique: uniqueOf(reading.values) ?? '', from })
    }
  }

  appended(topic: TopicName, records: readonly Outgoing[], offsets: readonly number[]): void {
    for (const [i, record] of records.entries()) {
      this.kept.push({ at: this.#scheduler.step, topic, record, offset: offsets[i] ?? -1 })
    }
  }

  /** What a proof says now, by the newest mark of epoch `newest`. An open one is kept only when it is the `last` of the run. */
  proof(verdict: GatewayVerdict, newest: string, last: boolean): void {
    const { gateway, state, stores, epochs } = verdict
    if (state === 'open' && !last) return
    const generations = Object.entries(stores).flatMap(([store, each]) =>
      each.generation === null ? [] : [[store, each.generation]],
    )
    const proof: Omit<Proof, 'at'> = {
      gateway,
      state,
      generations: Object.fromEntries(generations),
      covers: this.#covered(verdict, newest),
      missing: epochs.map((each) => ({ epoch: each.epoch, ranges: each.missing })),
    }
    const text = JSON.stringify(proof)
    if (this.#lastProof.get(gateway) === text && !last) return
    this.#lastProof.set(gateway, text)
    this.proofs.push({ ...proof, at: this.#scheduler.step })
  }

  /** Of the newest epoch what is due; of those before it all that their journal had taken. */
  #covered({ gateway, due }: GatewayVerdict, newest: string): { epoch: string; upTo: number }[] {
    const order = this.#epochs.get(gateway) ?? []
    const earlier = order
      .slice(0, Math.max(0, order.indexOf(newest)))
      .filter((each) => !this.isDestroyed(gateway, each))
    const covers = earlier.map((epoch) => ({ epoch, upTo: this.#seen.get(`${gateway} ${epoch}`)?.upTo ?? 0 }))
    return [...covers, { epoch: newest, upTo: due }]
  }

  /** Positions accepted by the gateway so far, without those of disks that are no more. */
  accepted(gateway: string): number {
    const epochs = new Set(this.#epochs.get(gateway)?.filter((each) => !this.isDestroyed(gateway, each)))
    return [...epochs].reduce((sum, epoch) => sum + (this.#seen.get(`${gateway} ${epoch}`)?.upTo ?? 0), 0)
  }

  /** Where each reading was seen, for those that something is to be said about. */
  sightings(uniques: ReadonlySet<string>): readonly Sighting[] {
    const out = this.#landings.filter((each) => uniques.has(each.unique))
    const at = new Map<string, string>()
    for (const each of this.placed) {
      if (!uniques.has(each.unique)) continue
      at.set(`${each.gateway} ${each.epoch} ${each.seq}`, each.unique)
      out.push({ unique: each.unique, place: `journal of ${each.gateway}, ${each.epoch}/${each.seq}`, at: 0 })
    }
    for (const { topic, record, offset, at: step } of this.kept) {
      const { epoch, ranges } = record.headers ?? {}
      if (topic !== 'readings' && topic !== 'recovery_data') continue
      for (const [key, unique] of at) {
        const [gateway, itsEpoch, seq] = key.split(' ')
        if (record.key !== gateway || epoch !== itsEpoch || !holds(ranges ?? '', Number(seq))) continue
        out.push({ unique, place: `${topic}@${offset} of ${gateway}, ${epoch}/${seq}`, at: step })
      }
    }
    return out
  }

  /** Entries of the log that say what did not land, and what recovery asked for. */
  async fromLog(codec: WireCodec, stores: readonly string[]): Promise<Awaited<ReturnType<typeof requestsOf>>> {
    const said = await requestsOf(this.kept, codec, stores)
    this.counts.rejected = said.rejected
    this.declared.push(...said.declared)
    return said
  }

  #place(gateway: string, epoch: string, reading: PositionedReading): void {
    this.placed.push({ unique: uniqueOf(reading.values) ?? '', gateway, epoch, seq: reading.seq })
  }
}

export function heldOf(store: string, { gateway, epoch = '' as Epoch, reading }: StoredReading): Held {
  const { type, sensor, ms, ns, values, seq } = reading
  const time = BigInt(ms) * 1_000_000n + BigInt(ns)
  const unique = uniqueOf(values)
  return { store, unique, gateway, type, sensor, time, values: textOf(values), position: { epoch, seq } }
}

/** Each reading of the workload carries its number in one of these fields. */
export function uniqueOf(values: Values): string | null {
  for (const field of UNIQUE_FIELDS) {
    const value = values[field]
    if (typeof value === 'number') return String(Math.floor(value))
  }
  return null
}

/** With the kind of each value, so that 1 and 1.0 differ. */
export function textOf(values: Values): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([name, value]) => `${name}:${typeof value}:${value}`).join(' ')
}

/** What a verdict counts as gone although nobody stored it. */
export function countedOf(
  gateway: string,
  kind: Counted['kind'],
  spans: readonly { epoch: string; ranges: readonly Span[] }[],
): Counted[] {
  return spans.filter((each) => each.ranges.length > 0).map((each) => ({ kind, gateway, ...each }))
}

function newOnes(known: Set<number>, ranges: readonly Span[]): Span[] {
  const out: [number, number][] = []
  for (const [from, to] of ranges) {
    for (let seq = from; seq <= to; seq++) {
      if (known.has(seq)) continue
      known.add(seq)
      const last = out.at(-1)
      if (last !== undefined && last[1] === seq - 1) last[1] = seq
      else out.push([seq, seq])
    }
  }
  return out
}

function holds(ranges: string, seq: number): boolean {
  return ranges.split(',').some((range) => {
    const [from = '', to = from] = range.split('-')
    return Number(from) <= seq && seq <= Number(to)
  })
}
