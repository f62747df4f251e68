/** The words for a reading: what one measurement is, in memory, everywhere in the code. */

export type GatewayId = string & { readonly brand: 'GatewayId' }
/** One life of a journal: 16 lower-case hex digits, random at every opening. */
export type Epoch = string & { readonly brand: 'Epoch' }
/** The place of a reading inside its epoch: 1, 2, 3 … */
export type Seq = number

/** Stands for "to the end" where ranges have none; no journal comes near it. */
export const SEQ_MAX: Seq = 2 ** 52

/** `double` is a JS number, `integer` a bigint within ±(2⁵³−1), so that 1 and 1.0 stay two different values. */
export type Value = number | bigint | boolean | string
export type ValueKind = 'double' | 'integer' | 'boolean' | 'string'
export type Values = Readonly<Record<string, Value>>
export type Labels = Readonly<Record<string, string>>

/** A point on the UTC time line: milliseconds since 1970 and the nanoseconds (0…999,999) below them. */
export interface Instant {
  readonly ms: number
  readonly ns: number
}

/**
 * One accepted measurement. `(gateway, type, sensor, time)` is its identity.
 * `time` is `ms`/`ns`; `bumpNs` is how far it was moved to a free nanosecond, so `measured_at = time − bumpNs`.
 */
export interface Reading {
  readonly type: string
  readonly sensor: string
  readonly labels: Labels
  readonly ms: number
  readonly ns: number
  readonly bumpNs: number
  /** The gateway's clock was unset, so the time is a guess that only keeps order. */
  readonly estimated: boolean
  readonly values: Values
  /** First 16 bytes of SHA-256 over the canonical form, see `schemas/README.md`. */
  readonly digest: Uint8Array
}

/** A reading with its place in the epoch of the batch or range it came in. */
export interface PositionedReading extends Reading {
  readonly seq: Seq
}

/** Inclusive on both ends: `[a, b]` with `1 ≤ a ≤ b`. */
export type Range = readonly [Seq, Seq]

/** What a store stands for: its name and the generation id of its present content. */
export interface StoreGeneration {
  readonly store: string
  readonly generation: string
}
