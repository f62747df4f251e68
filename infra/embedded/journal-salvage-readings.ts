/** The last steps of a salvage, inside the new file: readings of which a block had lost some, the index and the manifests of all that are held. */

import type { Seq } from '../../schemas/reading.ts'
import { addNanos } from '../../schemas/time.ts'
import { contains, type RangeSet, rangeSet } from '../../services/core/range-set.ts'
import { type Block, blockOf } from './journal-blocks.ts'
import { readMoved } from './journal-index.ts'
import { DAY_MS } from './journal-manifests.ts'
import { type CountedTx, KIND } from './journal-rows.ts'
import { isUntouched, type KeptBlock, type SalvagePlan } from './journal-salvage-plan.ts'
import type { Salvageable } from './journal-salvage-rows.ts'
import type { JournalStorage } from './journal-storage.ts'
import type { Bytes, Row } from './kv.ts'
import { stampOf, visitEntries } from './leaf.ts'
import { readTimeField, readU32Field, successor, TIME_BYTES } from './row-keys.ts'

const BLOCKS_A_WRITE = 16
const ROWS_A_WRITE = 200
const DIGEST_OF_INDEX = 8
const DIGEST_BYTES = 16

export async function restoreReadings(storage: JournalStorage, found: Salvageable, plan: SalvagePlan): Promise<void> {
  const task = new Restoring(storage, found, plan)
  await task.rewritePartial()
  await task.indexHeld()
  if (plan.lostFrom !== undefined) await task.markLost(plan.lostFrom)
}

interface HeldBlock {
  readonly block: Block
  readonly ordinal: number
  readonly acceptedBefore: number
}

class Restoring {
  readonly #storage: JournalStorage
  readonly #found: Salvageable
  readonly #plan: SalvagePlan
  /** The beginnings of the digests of all readings held. */
  readonly #held = new Set<number>()
  readonly #manifestsKept: ReadonlySet<string>
  /** Positions, by epoch, that may not have been counted: a commit that was never finished may have left them. */
  readonly #uncounted: ReadonlyMap<number, RangeSet>

  constructor(storage: JournalStorage, found: Salvageable, plan: SalvagePlan) {
    this.#storage = storage
    this.#found = found
    this.#plan = plan
    this.#manifestsKept = new Set(found.of(KIND.manifest).map(({ key }) => bucketName(key)))
    const doubtful = found.isWhole ? [] : plan.blocks.filter((each) => !each.found.inTree)
    this.#uncounted = new Map(
      plan.epochs.map(({ ordinal }) => {
        const own = doubtful.filter((each) => each.ordinal === ordinal)
        return [ordinal, rangeSet(own.flatMap(({ readable }) => readable))]
      }),
    )
  }

  /** Blocks of which some readings can't be made out: the others stand in new blocks at their old positions. */
  async rewritePartial(): Promise<void> {
    for (const kept of this.#plan.blocks) if (!isUntouched(kept)) await this.#rewrite(kept)
  }

  /** Every reading held is in the index, and in a manifest where that was lost. */
  async indexHeld(): Promise<void> {
    for (const slice of this.#slices()) {
      await this.#storage.write((tx) => {
        for (const each of slice) this.#indexBlock(tx, each)
      })
    }
  }

  /** Whatever may be among the lost: offered again, it is to be taken again. */
  async markLost(lostFrom: number): Promise<void> {
    await this.#eachRow(KIND.bumped, (tx, row) => this.#markMoved(tx, row, lostFrom))
    await this.#eachRow(KIND.leaf, (tx, row) => this.#markLeaf(tx, row, lostFrom))
  }

  async #rewrite({ found, ordinal, epochId, readable }: KeptBlock): Promise<void> {
    const value = this.#found.rows.valueOf(found)
    if (value === undefined) return
    const { blocks, series: names } = this.#storage
    const block = blockOf(found.key, value)
    const { acceptedMs } = block
    const add = (tx: CountedTx, seq: Seq): void => {
      const decoded = this.#plan.decoder.reading(block, seq)
      if (decoded === undefined) return
      const { reading, series } = decoded
      const { hints } = names.byId(series)
      blocks.add(
        tx,
        { epoch: ordinal, epochId, seq, acceptedMs },
        series,
        reading,
        { ...reading, recovered: false },
        hints,
      )
    }
    await this.#storage.write((tx) => {
      for (const [from, to] of readable) {
        for (let seq = from; seq <= to; seq++) add(tx, seq)
        blocks.flush(tx, acceptedMs)
      }
    })
  }

  *#slices(): Generator<readonly HeldBlock[]> {
    const { kv, blocks } = this.#storage
    for (const { ordinal, lastSeq, acceptedBefore } of this.#plan.epochs) {
      let slice: HeldBlock[] = []
      for (const block of blocks.between(kv, ordinal, 1, lastSeq)) {
        slice.push({ block, ordinal, acceptedBefore })
        if (slice.length < BLOCKS_A_WRITE) continue
        yield slice
        slice = []
      }
      if (slice.length > 0) yield slice
    }
  }

  #indexBlock(tx: CountedTx, { block, ordinal, acceptedBefore }: HeldBlock): void {
    const { blocks, index, manifests } = this.#storage
    const uncounted = this.#uncounted.get(ordinal) ?? []
    blocks.decode(block, block.first, block.last, ({ seq, ms, ns, bumpNs, digest }, series) => {
      const stamp = { ms: block.acceptedMs, ordinal: acceptedBefore + seq }
      const isNew = index.restore(tx, series, { ms, ns }, bumpNs, digest, stamp)
      if (this.#isManifestLost(series, ms) || (isNew && contains(uncounted, seq))) manifests.add(tx, series, ms, digest)
      this.#held.add(shortOf(digest))
      return true
    })
  }

  #isManifestLost(series: number, ms: number): boolean {
    const key = this.#storage.manifests.keyOf(series, Math.floor(ms / DAY_MS))
    return !this.#manifestsKept.has(bucketName(key)) && this.#found.rows.mayLack(key)
  }

  /** Rows are taken in slices, so that none is looked at that the same slice has written. */
  async #eachRow(kind: string, visit: (tx: CountedTx, row: Row) => void): Promise<void> {
    const { kv, space } = this.#storage
    let { from, to } = space.all(kind)
    for (;;) {
      const rows = [...kv.range({ from, to, limit: ROWS_A_WRITE })].map(copyOf)
      const last = rows.at(-1)
      if (last === undefined) return
      await this.#storage.write((tx) => {
        for (const row of rows) visit(tx, row)
      })
      from = successor(last.key)
    }
  }

  #markLeaf(tx: CountedTx, { key, value }: Row, lostFrom: number): void {
    if ((stampOf(value)?.ordinal ?? 0) <= lostFrom) return
    const series = readU32Field(key, key.length - TIME_BYTES - 4)
    visitEntries(value, 'journal-corrupt', (ms, ns, payload, length) => {
      const flags = length === DIGEST_OF_INDEX ? 0 : payload.u8()
      const isHeld = this.#held.has(shortOf(payload.raw(DIGEST_OF_INDEX)))
      if (flags === 0 && !isHeld) this.#storage.index.markLost(tx, series, ms, ns)
      return true
    })
  }

  /** A reading that was moved keeps its place, also when its entry in the index is gone. */
  #markMoved(tx: CountedTx, { key, value }: Row, lostFrom: number): void {
    const digest = key.subarray(key.length - DIGEST_BYTES)
    const timeAt = key.length - DIGEST_BYTES - TIME_BYTES
    const { bumpNs, stamp } = readMoved(value)
    // Without a digest it is the row of the instant.
    if (timeAt < 8 || stamp.ordinal <= lostFrom || this.#held.has(shortOf(digest))) return
    const place = addNanos(readTimeField(key, timeAt), bumpNs)
    this.#storage.index.restore(tx, readU32Field(key, timeAt - 4), place, bumpNs, digest, stamp)
  }
}

function copyOf({ key, value }: Row): Row {
  return { key: Uint8Array.from(key), value: Uint8Array.from(value) }
}

/** Six bytes of a digest: enough to tell the readings of a journal apart. */
function shortOf(digest: Uint8Array): number {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).readUIntBE(0, 6)
}

function bucketName(key: Bytes): string {
  return Buffer.from(key.subarray(-8)).toString('latin1')
}
