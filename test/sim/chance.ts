/** Seeded chance for the simulation: one stream a concern, all split from one seed, so that drawing more in one does not shift the others. */

import type { Random } from '../../services/ports/clock.ts'
import { seededRandom } from '../support/manual-clock.ts'

export class Chance implements Random {
  readonly #random: Random

  constructor(seed: number, concern: string) {
    this.#random = seededRandom(mix(`${seed}/${concern}`))
  }

  next(): number {
    return this.#random.next()
  }

  hex(bytes: number): string {
    return this.#random.hex(bytes)
  }

  id(): string {
    return this.#random.id()
  }

  /** True with this probability. */
  hits(rate: number): boolean {
    return this.#random.next() < rate
  }

  between(low: number, high: number): number {
    return low + this.#random.next() * (high - low)
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1))
  }

  /** Mostly short, seldom long: durations as failures have them. */
  skewed(low: number, high: number): number {
    return low * (high / low) ** this.#random.next()
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.whole(0, from.length - 1)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }
}

/** FNV-1a over the text, stirred once more so that neighbouring seeds have nothing in common. */
export function mix(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
