/** What the checker judges: the story of one run in plain values, filled by the simulator or from the answers of real processes. */

/** `at` orders what happened: a step of the simulation, or milliseconds. Only comparisons of it count. */
export type At = number

/** Inclusive on both ends. */
export type Span = readonly [number, number]

export interface Spans {
  readonly epoch: string
  readonly ranges: readonly Span[]
}

/**
 * One reading in one request, with the answer of that request. A reading that was sent again is a row for each time, under the same `unique`.
 * `unknown`: the answer never came, so it may have been taken or not.
 */
export interface Offered {
  /** By which the reading is recognised wherever it turns up; best a value of the reading itself. No two different readings share one. */
  readonly unique: string
  readonly gateway: string
  readonly type: string
  readonly sensor: string
  /** Nanoseconds since 1970, or null where the client sent none. */
  readonly time: bigint | null
  /** The values in any text form that is the same here and in what is read back. */
  readonly values: string
  readonly outcome: 'ok' | 'refused' | 'unknown'
  /** When the answer came, or was given up. */
  readonly at: At
  /** Of the request, where it had one: the same key means the same reading also without a time. */
  readonly idempotencyKey?: string
  /** Its gateway may no longer know the reading or its key, beyond what is promised: a copy for each time it was sent is no fault. */
  readonly mayBeForgotten?: boolean
}

/** One reading as read back from a store at the end. `unique` is null where it holds no such value. */
export interface Held {
  readonly store: string
  readonly unique: string | null
  readonly gateway: string
  readonly type: string
  readonly sensor: string
  readonly time: bigint
  readonly values: string
  readonly position?: { readonly epoch: string; readonly seq: number }
}

/** A reading was in one generation of a store from then on, and until `to` where it was taken out of it. */
export interface Stay {
  readonly store: string
  readonly generation: string
  readonly unique: string
  readonly from: At
  readonly to?: At
}

/** Where a gateway's journal put a reading. */
export interface Placed {
  readonly unique: string
  readonly gateway: string
  readonly epoch: string
  readonly seq: number
}

/** What was really declared: void by the journal, quarantined by a sink (of `store`), lost by an operator. */
export interface Declared extends Spans {
  readonly kind: 'void' | 'quarantined' | 'lost'
  readonly gateway: string
  readonly store?: string
  /** Of what is quarantined: why. */
  readonly code?: string
  readonly at: At
}

/** What a proof counts as void or lost at the end. */
export interface Counted extends Spans {
  readonly kind: 'void' | 'lost'
  readonly gateway: string
}

export interface Proof {
  readonly gateway: string
  readonly state: 'complete' | 'closed' | 'open'
  readonly at: At
  /** By store. Without it any generation counts. */
  readonly generations?: Readonly<Record<string, string>>
  /** What it speaks of: positions up to these … */
  readonly covers?: readonly { readonly epoch: string; readonly upTo: number }[]
  /** … and everything answered with ok before this, as `proof --wait` promises of its own beginning. */
  readonly coversAnsweredBefore?: At
  /** What it names as missing or pending. */
  readonly missing?: readonly Spans[]
}

/** The journal dropped these positions. */
export interface Deletion extends Spans {
  readonly gateway: string
  readonly at: At
}

/** What recovery asked for, and what of that gateway was known to have landed in every required store by then. */
export interface Asked {
  readonly requestId: string
  readonly gateway: string
  readonly at: At
  readonly asked: readonly Spans[]
  readonly landed: readonly Spans[]
  /** What was on its way to every store, so that nobody had to ask for it. */
  readonly coming?: readonly Spans[]
}

export interface Sighting {
  readonly unique: string
  /** For people: `journal of g1`, `readings 3@120`, `quarantine`. */
  readonly place: string
  readonly at: At
}

export interface History {
  readonly requiredStores: readonly string[]
  readonly offered: readonly Offered[]
  readonly held: readonly Held[]
  /** Without it, a proof or a deletion is judged by what is held at the end. */
  readonly stays?: readonly Stay[]
  readonly placed?: readonly Placed[]
  readonly declared?: readonly Declared[]
  readonly counted?: readonly Counted[]
  readonly proofs?: readonly Proof[]
  readonly deletions?: readonly Deletion[]
  /** What the gateways that live still hold at the end: of that nothing may stay written off. */
  readonly stillInJournal?: readonly (Spans & { readonly gateway: string })[]
  readonly requests?: readonly Asked[]
  /** What a store can never hold, as `STORE UNIQUE`. Without it every rejection is believed. */
  readonly unfit?: ReadonlySet<string>
  /** No two different readings can meet at one identity: a conflict is then a fault. */
  readonly noConflicts?: boolean
  /** Positions that may be asked for although they had landed or were on their way. */
  readonly needlessMax?: number
  readonly sightings?: readonly Sighting[]
}
