/** Decides what becomes of a damaged journal: which epochs it had, how far they went, which positions can be read and which are declared void. */

import { digestOfReading } from '../../schemas/canonical.ts'
import type { Epoch, GatewayId, PositionedReading, Seq, StoreGeneration } from '../../schemas/reading.ts'
import {
  equal,
  highest,
  intersect,
  isEmpty,
  type RangeSet,
  rangeSet,
  rangesOf,
  size,
  subtract,
} from '../../services/core/range-set.ts'
import { Dictionary } from './dictionary.ts'
import { type Block, Blocks, blockOf } from './journal-blocks.ts'
import { countersOf, epochsOf } from './journal-check.ts'
import { declareVoid, type EpochState, heldSet, newEpoch, prune, prunedSet, voidedSet } from './journal-epochs.ts'
import { type Counters, KIND, readJson, TEXT_KINDS } from './journal-rows.ts'
import type { FoundBlock, Salvageable } from './journal-salvage-rows.ts'
import { type JournalSeries, journalSeries } from './journal-storage.ts'
import type { KvRead } from './kv.ts'
import { RowCodec } from './row-codec.ts'
import { readU32Field, u32Field, u48Field } from './row-keys.ts'

const WHY_CORRUPT = 'corrupt'

export interface KeptBlock {
  readonly found: FoundBlock
  readonly ordinal: number
  readonly epochId: Epoch
  readonly first: Seq
  readonly last: Seq
  /** Of its positions, those whose readings can be made out and stand in no other block. */
  readonly readable: RangeSet
}

export interface SalvagePlan {
  readonly counters: Counters | undefined
  /** As they are to be from now on, oldest first. */
  readonly epochs: readonly EpochState[]
  /** Those that may have gone further than could be read, and those of which nothing is known but that they were: one position more stands for the rest. */
  readonly endUnknown: readonly Epoch[]
  /** Positions declared void, by epoch. */
  readonly voided: readonly { readonly epoch: Epoch; readonly ranges: RangeSet }[]
  readonly blocks: readonly KeptBlock[]
  /** Readings in blocks that can be read, of which something the blocks only name by number can't. */
  readonly undecoded: number
  /** How many epochs have got a new name, because theirs is lost. */
  readonly renamed: number
  /** How many readings were accepted before the first that may be gone; undefined when none may be. */
  readonly lostFrom: number | undefined
  readonly decoder: BlockDecoder
}

/** `newEpochId` names what has lost its name. */
export function planSalvage(found: Salvageable, gateway: GatewayId, newEpochId: () => Epoch): SalvagePlan {
  const decoder = new BlockDecoder(found, gateway)
  const counters = countersOf(asRows(found))
  const byEpoch = blocksByEpoch(found)
  let renamed = 0
  const ends = allEpochs(found, counters, byEpoch, () => {
    renamed++
    return newEpochId()
  })
  const states = ends.map(({ state, isKnown }) => (isKnown ? state : { ...state, lastSeq: state.lastSeq + 1 }))
  const endUnknown = ends.flatMap(({ state, isKnown }) => (isKnown ? [] : [state.epoch]))
  const kept = states.map((state) => keptBlocks(found, decoder, state, byEpoch.get(state.epoch) ?? []))
  const undecoded = kept.reduce((sum, each) => sum + each.undecoded, 0)
  const stores = storesIn(found)
  const voided: { readonly epoch: Epoch; readonly ranges: RangeSet }[] = []
  const epochs = states.map((state, i) => {
    const holes = subtract(heldSet(state), rangeSet((kept[i]?.blocks ?? []).flatMap(({ readable }) => readable)))
    const settled = stores === undefined ? [] : intersect(holes, state.confirmed)
    const gone = subtract(holes, settled)
    if (isEmpty(gone)) return prune(state, settled, stores ?? [])
    voided.push({ epoch: state.epoch, ranges: gone })
    return declareVoid(prune(state, settled, stores ?? []), gone, WHY_CORRUPT)
  })
  const blocks = kept.flatMap((each) => each.blocks)
  const isUnsure = counters === undefined || !found.isNewest || endUnknown.length > 0
  const lostFrom = isUnsure ? 0 : lostBefore(epochs, voided)
  return { counters, epochs, endUnknown, voided, blocks, undecoded, renamed, lostFrom, decoder }
}

/** Whether its row can be taken over as it is. */
export function isUntouched({ readable, first, last }: KeptBlock): boolean {
  return equal(readable, [[first, last]])
}

/** Decodes blocks with the dictionaries that can be read. */
export class BlockDecoder {
  readonly #blocks: Blocks
  readonly #gateway: GatewayId

  constructor(found: Salvageable, gateway: GatewayId) {
    const { space } = found.rows
    const view = viewOf(found, TEXT_KINDS)
    const corrupt = 'journal-corrupt'
    const make = (text: string): JournalSeries => journalSeries(gateway, text)
    const series = new Dictionary({ space, kind: KIND.series, make, corrupt }).load(view)
    this.#blocks = new Blocks(space, new RowCodec(space, corrupt).load(view), (id) => series.byId(id))
    this.#gateway = gateway
  }

  /** Undefined where a reading can't be made out. */
  reading(block: Block, seq: Seq): { readonly reading: PositionedReading; readonly series: number } | undefined {
    let found: { readonly reading: PositionedReading; readonly series: number } | undefined
    try {
      this.#blocks.decode(block, seq, seq, (reading, series) => {
        found = { reading, series }
        return false
      })
    } catch {
      return undefined
    }
    return found
  }

  /** Of its positions those whose readings can be made out, and are what their digests say. */
  readable(block: Block): RangeSet {
    const seqs: Seq[] = []
    let next = block.first
    const take = (reading: PositionedReading): boolean => {
      next = reading.seq
      if (this.#isGenuine(reading)) seqs.push(next)
      next++
      return true
    }
    while (next <= block.last) {
      try {
        this.#blocks.decode(block, next, block.last, take)
      } catch {
        next++
      }
    }
    return rangesOf(seqs)
  }

  #isGenuine(reading: PositionedReading): boolean {
    return Buffer.compare(digestOfReading(this.#gateway, reading), reading.digest) === 0
  }
}

/** Rows of some kinds as an engine would give them. */
function viewOf(found: Salvageable, kinds: readonly string[]): KvRead {
  const rows = kinds.flatMap((kind) => found.of(kind))
  return {
    get: () => undefined,
    range: ({ from, to }) =>
      rows
        .filter(({ key }) => Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0)
        .flatMap((row) => {
          const value = found.rows.valueOf(row)
          return value === undefined ? [] : [{ key: row.key, value }]
        }),
  }
}

/** What was found in place of what the trees lead to. */
function asRows(found: Salvageable): Pick<Salvageable['rows'], 'of' | 'valueOf' | 'space'> {
  const { rows } = found
  return { of: (kind) => found.of(kind), valueOf: (row) => rows.valueOf(row), space: rows.space }
}

function storesIn(found: Salvageable): readonly StoreGeneration[] | undefined {
  const [row] = found.of(KIND.stores)
  const value = row === undefined ? undefined : found.rows.valueOf(row)
  return value === undefined ? undefined : readJson(value, 'the stores of the last receipt')
}

interface Positioned {
  readonly found: FoundBlock
  readonly first: Seq
  readonly last: Seq
  readonly begunMs: number
}

/** In order of position, the longer of two that begin together first. */
function blocksByEpoch(found: Salvageable): ReadonlyMap<Epoch, readonly Positioned[]> {
  const out = new Map<Epoch, Positioned[]>()
  for (const each of found.blocks) {
    const value = found.rows.valueOf(each)
    if (value === undefined) continue
    const { epochId, first, last, begunMs } = blockOf(each.key, value)
    const blocks = out.get(epochId)
    const positioned = { found: each, first, last, begunMs }
    if (blocks === undefined) out.set(epochId, [positioned])
    else blocks.push(positioned)
  }
  for (const blocks of out.values()) blocks.sort((x, y) => x.first - y.first || y.last - x.last)
  return out
}

interface End {
  readonly state: EpochState
  readonly isKnown: boolean
}

/** Those with a row or a name, those that only blocks know of, and those of which there is only a number: oldest first. */
function allEpochs(
  found: Salvageable,
  counters: Counters | undefined,
  byEpoch: ReadonlyMap<Epoch, readonly Positioned[]>,
  newEpochId: () => Epoch,
): readonly End[] {
  const known = namedEpochs(found, counters)
  const knownEnds = known.map((state, i) => endOf(found, state, known[i + 1], counters, byEpoch.get(state.epoch) ?? []))
  const names = new Set(known.map(({ epoch }) => epoch))
  const nameless = [...byEpoch].filter(([epoch]) => !names.has(epoch))
  const ends = new Map(knownEnds.map((end) => [end.state.ordinal, end]))
  const last = (): number => Math.max(0, ...ends.keys())
  for (const [epoch, blocks] of nameless.sort(([, x], [, y]) => begunMs(x) - begunMs(y))) {
    const given = ordinalOf(blocks)
    const ordinal = given !== undefined && !ends.has(given) ? given : last() + 1
    ends.set(ordinal, namelessEnd(found, ordinal, epoch, blocks, ends, counters))
  }
  const { from, to } = found.rows.space.all(KIND.epoch)
  const most = counters?.epochOrdinal ?? last() + (found.rows.mayLackBetween(from, to) ? 1 : 0)
  for (let ordinal = 1; ordinal <= most; ordinal++) {
    if (!ends.has(ordinal)) ends.set(ordinal, namelessEnd(found, ordinal, newEpochId(), [], ends, counters))
  }
  return [...ends.values()].sort((x, y) => x.state.ordinal - y.state.ordinal)
}

/** By rows of the file, where the copy of names does not know better: oldest first. */
function namedEpochs(found: Salvageable, counters: Counters | undefined): readonly EpochState[] {
  const states = new Map(epochsOf(asRows(found), counters).map((state) => [state.ordinal, state]))
  for (const [ordinal, { epoch, acceptedBefore }] of found.namedEpochs)
    if (states.get(ordinal)?.epoch !== epoch) states.set(ordinal, newEpoch(ordinal, epoch, acceptedBefore))
  return [...states.values()].sort((x, y) => x.ordinal - y.ordinal)
}

function begunMs(blocks: readonly Positioned[]): number {
  return Math.min(...blocks.slice(0, 1).map((block) => block.begunMs))
}

/** As the keys of its blocks say. */
function ordinalOf(blocks: readonly Positioned[]): number | undefined {
  const key = blocks.find(({ found }) => found.key.length > 0)?.found.key
  return key === undefined ? undefined : readU32Field(key, key.length - 10)
}

function lastOf(blocks: readonly Positioned[]): Seq {
  return blocks.reduce((most, { last }) => Math.max(most, last), 0)
}

/** An epoch whose row is gone: where the ones around it say how many readings it had, its end is known. */
function namelessEnd(
  found: Salvageable,
  ordinal: number,
  epoch: Epoch,
  blocks: readonly Positioned[],
  ends: ReadonlyMap<number, End>,
  counters: Counters | undefined,
): End {
  const before = ends.get(ordinal - 1)
  const start = before === undefined ? 0 : before.state.acceptedBefore + before.state.lastSeq
  const next = ends.get(ordinal + 1)?.state.acceptedBefore
  const isStartKnown = ordinal === 1 || before?.isKnown === true
  const fromNext = next === undefined || !isStartKnown ? undefined : next - start
  const isNewest = counters?.epochOrdinal === ordinal && found.isNewest
  const lastSeq = isNewest ? counters.lastSeq : fromNext
  const seen = lastOf(blocks)
  const isKnown = lastSeq !== undefined && lastSeq >= seen
  return { state: { ...newEpoch(ordinal, epoch, start), lastSeq: isKnown ? lastSeq : seen }, isKnown }
}

/** Where nothing says how far an epoch went its blocks do, if none after them can be missing. */
function endOf(
  found: Salvageable,
  state: EpochState,
  next: EpochState | undefined,
  counters: Counters | undefined,
  blocks: readonly Positioned[],
): End {
  const said = saidEnd(found, state, next, counters, blocks)
  if (said !== undefined) return { state: { ...state, lastSeq: said }, isKnown: true }
  const known = [state.confirmed, prunedSet(state), voidedSet(state)].map(highest)
  const last = Math.max(state.lastSeq, lastOf(blocks), ...known)
  const { space } = found.rows
  const after = space.key(KIND.block, u32Field(state.ordinal), u48Field(last))
  const { to } = space.all(KIND.block, u32Field(state.ordinal))
  const isKnown = next === undefined && found.isWhole && !found.rows.mayLackBetween(after, to)
  return { state: { ...state, lastSeq: last }, isKnown }
}

/** How far an epoch went: of the newest the counters say it, of an ended one its own row and how much was accepted before the next. */
function saidEnd(
  found: Salvageable,
  { ordinal, acceptedBefore, lastSeq }: EpochState,
  next: EpochState | undefined,
  counters: Counters | undefined,
  blocks: readonly Positioned[],
): Seq | undefined {
  const isOfCounters = ordinal === counters?.epochOrdinal
  if (isOfCounters && found.isNewest) return counters.lastSeq
  if (next === undefined) return undefined
  const byNext = next.ordinal === ordinal + 1 ? next.acceptedBefore - acceptedBefore : 0
  // The counters may be those of an older commit, and the row one that was written while the epoch went on.
  const byRow = isOfCounters ? 0 : lastSeq
  const end = Math.max(byRow, byNext)
  return end > 0 && (byRow === byNext || end >= lastOf(blocks)) ? end : undefined
}

function keptBlocks(
  found: Salvageable,
  decoder: BlockDecoder,
  state: EpochState,
  blocks: readonly Positioned[],
): { readonly blocks: readonly KeptBlock[]; readonly undecoded: number } {
  const held = heldSet(state)
  const kept: KeptBlock[] = []
  let reached = 0
  let undecoded = 0
  for (const { found: each, first, last } of blocks) {
    const value = found.rows.valueOf(each)
    if (value === undefined || last <= reached) continue
    const all = decoder.readable(blockOf(each.key, value))
    const wanted = intersect(held, [[Math.max(first, reached + 1), last]])
    const readable = intersect(all, wanted)
    undecoded += size(wanted) - size(readable)
    if (isEmpty(readable)) continue
    reached = highest(readable)
    kept.push({ found: each, ordinal: state.ordinal, epochId: state.epoch, first, last, readable })
  }
  return { blocks: kept, undecoded }
}

function lostBefore(epochs: readonly EpochState[], voided: SalvagePlan['voided']): number | undefined {
  const firsts = epochs.flatMap(({ epoch, acceptedBefore }) => {
    const first = voided.find((each) => each.epoch === epoch)?.ranges[0]?.[0]
    return first === undefined ? [] : [acceptedBefore + first - 1]
  })
  return firsts.length === 0 ? undefined : Math.min(...firsts)
}
