/** Reads back what a run put on the log: what recovery asked for beside what had landed by then, and what was quarantined or written off. */

import type { WireCodec } from '../../schemas/codec.ts'
import type { LandingsRecord } from '../../schemas/records/events.ts'
import type { Outgoing } from '../../services/ports/message-log.ts'
import type { Asked, Declared, Span, Spans } from '../checker/history.ts'
import type { Kept } from './recorder.ts'

export interface SaidOnLog {
  readonly requests: readonly Asked[]
  readonly declared: readonly Declared[]
  readonly rejected: number
}

const NOTHING = new Uint8Array(0)

export async function requestsOf(
  kept: readonly Kept[],
  codec: WireCodec,
  stores: readonly string[],
): Promise<SaidOnLog> {
  const landed = new LandedByThen(stores)
  const lane = new LaneByThen()
  const requests: Asked[] = []
  const declared: Declared[] = []
  let rejected = 0
  for (const { at, topic, record } of kept) {
    const value = record.value ?? NOTHING
    if (topic === 'readings') {
      lane.add(record)
    } else if (topic === 'landings') {
      const decoded = await codec.decode('landings', value)
      if (!decoded.ok) continue
      landed.add(decoded.record)
      if (decoded.record.kind === 'written-off') {
        const { gateway, lost } = decoded.record
        for (const { epoch, ranges } of lost) declared.push({ kind: 'lost', gateway, epoch, ranges, at })
      }
    } else if (topic === 'recovery_data_request') {
      const decoded = await codec.decode('recovery_data_request', value)
      if (!decoded.ok || decoded.record.window !== undefined) continue
      const { requestId, gateway, ranges } = decoded.record
      // The log may hold a request twice: it was asked when it was first there.
      if (requests.some((each) => each.requestId === requestId)) continue
      const had = { landed: landed.of(gateway, ranges), coming: lane.of(gateway, ranges) }
      requests.push({ requestId, gateway, at, asked: ranges, ...had })
    } else if (topic === 'quarantine') {
      const decoded = await codec.decode('quarantine', value)
      if (!decoded.ok || decoded.record.kind !== 'entry') continue
      const { identity, gateway, store, code } = decoded.record
      if (code === 'rejected') rejected += 1
      if (identity === undefined) continue
      const ranges: Span[] = [[identity.seq, identity.seq]]
      declared.push({ kind: 'quarantined', gateway, store, code, epoch: identity.epoch, ranges, at })
    }
  }
  return { requests, declared, rejected }
}

/** Positions that came by the live lane before any mark at or above them: who has passed such a mark has passed them as well. */
class LaneByThen {
  readonly #epochs = new Map<string, { highWater: number; readonly came: Set<number> }>()

  add({ key, headers = {} }: Outgoing): void {
    const name = `${key} ${headers.epoch}`
    const lane = this.#epochs.get(name) ?? { highWater: 0, came: new Set<number>() }
    this.#epochs.set(name, lane)
    for (const seq of seqsOf(headers.ranges ?? '')) if (seq > lane.highWater) lane.came.add(seq)
    lane.highWater = Math.max(lane.highWater, Number(headers.high_water ?? 0))
  }

  of(gateway: string, asked: readonly Spans[]): readonly Spans[] {
    return asked.map(({ epoch, ranges }) => {
      const came = this.#epochs.get(`${gateway} ${epoch}`)?.came
      const out: Span[] = []
      for (const [from, to] of ranges)
        for (let seq = from; seq <= to; seq++) if (came?.has(seq) === true) out.push([seq, seq])
      return { epoch, ranges: out }
    })
  }
}

function* seqsOf(ranges: string): Generator<number> {
  for (const range of ranges.split(',').filter((each) => each !== '')) {
    const [from = '', to = from] = range.split('-')
    for (let seq = Number(from); seq <= Number(to); seq++) yield seq
  }
}

/** Positions with a landing in the newest generation of every store. */
class LandedByThen {
  readonly #stores: readonly string[]
  readonly #generations = new Map<string, string[]>()
  readonly #landed = new Map<string, Set<number>>()

  constructor(stores: readonly string[]) {
    this.#stores = stores
  }

  add(record: LandingsRecord): void {
    if (record.kind === 'written-off') return
    const { store, generation } = record
    const known = this.#generations.get(store) ?? []
    if (!known.includes(generation)) this.#generations.set(store, [...known, generation])
    if (record.kind === 'revoked') {
      for (const { epoch, ranges } of record.revoked) {
        const held = this.#landed.get([record.gateway, epoch, store, generation].join(' '))
        for (const [from, to] of ranges) for (let seq = from; seq <= to; seq++) held?.delete(seq)
      }
    }
    if (record.kind !== 'landings') return
    for (const { epoch, outcome, ranges } of record.landed) {
      if (outcome !== 'stored' && outcome !== 'duplicate') continue
      const key = [record.gateway, epoch, store, generation].join(' ')
      const held = this.#landed.get(key) ?? new Set<number>()
      this.#landed.set(key, held)
      for (const [from, to] of ranges) for (let seq = from; seq <= to; seq++) held.add(seq)
    }
  }

  of(gateway: string, asked: readonly Spans[]): readonly Spans[] {
    return asked.map(({ epoch, ranges }) => {
      const out: Span[] = []
      for (const [from, to] of ranges) {
        for (let seq = from; seq <= to; seq++) if (this.#everywhere(gateway, epoch, seq)) out.push([seq, seq])
      }
      return { epoch, ranges: out }
    })
  }

  #everywhere(gateway: string, epoch: string, seq: number): boolean {
    return this.#stores.every((store) => {
      const generation = this.#generations.get(store)?.at(-1)
      return this.#landed.get([gateway, epoch, store, generation].join(' '))?.has(seq) === true
    })
  }
}
