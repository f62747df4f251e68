/** The small things a journal keeps beside its readings: answers to idempotency keys, outages, facts. */

import { createHash } from 'node:crypto'
import type { AppendAnswer, OutageRow } from '../../services/ports/journal.ts'
import { type CountedTx, jsonRow, KIND, readJson } from './journal-rows.ts'
import type { Bytes, Kv, KvRead } from './kv.ts'
import { type KeySpace, readU48Field, textField, u48Field } from './row-keys.ts'

const DAY_MS = 86_400_000
/** Outages are for people: older reported ones go. */
const OUTAGES_MAX = 1_000

interface KeptAnswer {
  readonly fingerprint: string
  readonly note: string
  readonly accepted: number
  readonly duplicates: number
  readonly ms: number
}

interface KeptOutage {
  readonly outage: OutageRow
  readonly reported: boolean
}

/** The answer this key got within the last day. */
export function findAnswer(tx: KvRead, space: KeySpace, key: string, nowMs: number): AppendAnswer | undefined {
  const row = tx.get(answerKey(space, key))
  if (row === undefined) return undefined
  const { fingerprint, note, accepted, duplicates, ms } = readJson<KeptAnswer>(row, 'the answer to an idempotency key')
  if (ms <= nowMs - DAY_MS) return undefined
  return { accepted, duplicates, repeated: { fingerprint, note } }
}

export function saveAnswer(
  tx: CountedTx,
  space: KeySpace,
  idempotency: { readonly key: string; readonly fingerprint: string; readonly note: string },
  answer: AppendAnswer,
  nowMs: number,
): void {
  const { key, fingerprint, note } = idempotency
  const kept: KeptAnswer = { fingerprint, note, accepted: answer.accepted, duplicates: answer.duplicates, ms: nowMs }
  tx.put(answerKey(space, key), jsonRow(kept))
  tx.put(space.key(KIND.idempotencyByTime, u48Field(Math.max(0, nowMs)), hashOf(key)), new Uint8Array(0))
}

/** Drops at most `limit` answers older than a day; true when there may be more. */
export function sweepAnswers(tx: CountedTx, space: KeySpace, nowMs: number, limit: number): boolean {
  const { from } = space.all(KIND.idempotencyByTime)
  const to = space.key(KIND.idempotencyByTime, u48Field(Math.max(0, nowMs - DAY_MS + 1)))
  const rows = [...tx.range({ from, to, limit })]
  for (const { key } of rows) {
    const hash = key.subarray(key.length - HASH_BYTES)
    const ms = readU48Field(key, key.length - HASH_BYTES - 6)
    const answer = tx.get(space.key(KIND.idempotency, hash))
    // The key may have been used again since.
    if (answer !== undefined && readJson<KeptAnswer>(answer, 'the answer to an idempotency key').ms <= ms) {
      tx.delete(space.key(KIND.idempotency, hash))
    }
    tx.remove(key, key.length)
  }
  return rows.length === limit
}

export function readFact(kv: KvRead, space: KeySpace, name: string): string | undefined {
  const row = kv.get(space.key(KIND.fact, textField(name)))
  return row === undefined ? undefined : readJson<string>(row, `the fact ${name}`)
}

export function saveFact(tx: CountedTx, space: KeySpace, name: string, value: string): void {
  tx.put(space.key(KIND.fact, textField(name)), jsonRow(value))
}

/** In the order they were first saved. */
export class Outages {
  readonly #space: KeySpace
  #kept: ReadonlyMap<number, KeptOutage> = new Map()
  #now: Map<number, KeptOutage> | undefined

  constructor(space: KeySpace) {
    this.#space = space
  }

  load(kv: Kv): this {
    const rows = [...kv.range(this.#space.all(KIND.outage))]
    this.#kept = new Map(
      rows.map(({ key, value }) => [readU48Field(key, key.length - 6), readJson(value, 'an outage')]),
    )
    return this
  }

  last(): OutageRow | undefined {
    return [...this.#kept.values()].at(-1)?.outage
  }

  unreported(): readonly OutageRow[] {
    return [...this.#kept.values()].filter(({ reported }) => !reported).map(({ outage }) => outage)
  }

  save(tx: CountedTx, outage: OutageRow): void {
    const number = this.#numberOf(outage.id) ?? Math.max(0, ...this.#kept.keys()) + 1
    this.#put(tx, number, { outage, reported: false })
    const over = [...this.#kept]
      .filter(([, { reported }]) => reported)
      .slice(0, Math.max(0, this.#kept.size - OUTAGES_MAX))
    for (const [old] of over) {
      tx.delete(this.#key(old))
      this.#now?.delete(old)
    }
  }

  reported(tx: CountedTx, id: string): void {
    const number = this.#numberOf(id)
    const kept = number === undefined ? undefined : this.#kept.get(number)
    if (number !== undefined && kept?.reported === false) this.#put(tx, number, { ...kept, reported: true })
  }

  keep(): void {
    this.#kept = this.#now ?? this.#kept
    this.#now = undefined
  }

  drop(): void {
    this.#now = undefined
  }

  #put(tx: CountedTx, number: number, kept: KeptOutage): void {
    tx.put(this.#key(number), jsonRow(kept))
    this.#now = new Map(this.#now ?? this.#kept).set(number, kept)
  }

  #numberOf(id: string): number | undefined {
    return [...this.#kept].find(([, { outage }]) => outage.id === id)?.[0]
  }

  #key(number: number): Bytes {
    return this.#space.key(KIND.outage, u48Field(number))
  }
}

const HASH_BYTES = 16

function hashOf(key: string): Bytes {
  return createHash('sha256').update(key).digest().subarray(0, HASH_BYTES)
}

function answerKey(space: KeySpace, key: string): Bytes {
  return space.key(KIND.idempotency, hashOf(key))
}
