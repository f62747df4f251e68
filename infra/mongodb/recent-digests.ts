/** What a store handle has seen landed lately, in a table of fixed size: so that most duplicates need not be read back to be told from conflicts. */

import type { Reading } from '../../schemas/reading.ts'

/** Each digest has eight places, of which it takes the oldest. */
const WAYS = 8
const BUCKETS = 2 ** 15
/** Four of the digest, one of how far the reading was moved: one measurement stands at one time for each. */
const WORDS = 5
const MOVED_MAX = 0xffff_ffff

export class RecentDigests {
  #table = new Uint32Array(BUCKETS * WAYS * WORDS)
  #oldest = new Uint8Array(BUCKETS)

  add(reading: Reading): void {
    const { digest, bumpNs } = reading
    if (bumpNs < 0 || bumpNs > MOVED_MAX || this.has(reading)) return
    const bucket = wordOf(digest, 0) % BUCKETS
    const way = this.#oldest[bucket] ?? 0
    this.#oldest[bucket] = (way + 1) % WAYS
    const at = (bucket * WAYS + way) * WORDS
    for (let word = 0; word < 4; word++) this.#table[at + word] = wordOf(digest, word)
    this.#table[at + 4] = bumpNs
  }

  has({ digest, bumpNs }: Reading): boolean {
    const first = wordOf(digest, 0)
    const from = (first % BUCKETS) * WAYS * WORDS
    for (let at = from; at < from + WAYS * WORDS; at += WORDS) {
      if (this.#table[at] === first && this.#isAt(at, digest, bumpNs)) return true
    }
    return false
  }

  clear(): void {
    this.#table.fill(0)
  }

  #isAt(at: number, digest: Uint8Array, bumpNs: number): boolean {
    for (let word = 1; word < 4; word++) if (this.#table[at + word] !== wordOf(digest, word)) return false
    return this.#table[at + 4] === bumpNs
  }
}

function wordOf(bytes: Uint8Array, word: number): number {
  const at = word * 4
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
  return (low | ((bytes[at + 3] ?? 0) << 24)) >>> 0
}
