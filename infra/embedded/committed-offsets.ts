/** Committed offsets of consumer groups: known at once, written behind, in order. */

import type { TopicName } from '../../topics/index.ts'
import type { Bytes, Kv } from './kv.ts'
import { committedKey, decodeNumber, encodeNumber, type Place } from './log-rows.ts'

/** A crash may lose the newest commits, so that their records come again; a clean close loses none. */
export class CommittedOffsets {
  readonly #kv: Kv
  readonly #known = new Map<string, number | null>()
  #dirty = new Map<string, { readonly key: Bytes; readonly next: number }>()
  #writing: Promise<void> | undefined
  #failure: unknown

  constructor(kv: Kv) {
    this.#kv = kv
  }

  get(group: string, topic: TopicName, partition: number): number | null {
    const place = { topic, partition }
    const name = nameOf(group, place)
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const row = this.#kv.get(committedKey(group, place))
    const next = row === undefined ? null : decodeNumber(row)
    this.#known.set(name, next)
    return next
  }

  set(group: string, topic: TopicName, partition: number, next: number): void {
    if (this.#failure !== undefined) throw this.#failure
    const place = { topic, partition }
    const name = nameOf(group, place)
    this.#known.set(name, next)
    this.#dirty.set(name, { key: committedKey(group, place), next })
    this.#writing ??= this.#write()
  }

  /** Resolves when everything set so far is on disk. */
  async settled(): Promise<void> {
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
  }

  async #write(): Promise<void> {
    try {
      while (this.#dirty.size > 0) {
        const rows = [...this.#dirty.values()]
        this.#dirty = new Map()
        await this.#kv.write((tx) => {
          for (const { key, next } of rows) tx.put(key, encodeNumber(next))
        })
      }
    } catch (error) {
      this.#failure = error
    }
    this.#writing = undefined
  }
}

function nameOf(group: string, { topic, partition }: Place): string {
  return `${topic}/${partition}/${group}`
}
