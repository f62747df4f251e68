/** What the page asks and is told: the JSON of `/api/…`. Times are RFC 3339 in UTC, counts are readings. */

import type { EpochVerdict, OutageVerdict, State, StoreVerdict } from '../core/verdict.ts'

/** How a gateway is reached: by the marks it sends, or `cut` where this process holds its link and somebody cut it. */
export type LinkState = 'up' | 'silent' | 'cut'

/** What the gateway's own journal holds; `null` where the gateway does not run in this process. */
export interface JournalRow {
  readonly readings: number
  readonly unconfirmed: number
  readonly bytes: number
  readonly max_bytes: number
}

export interface GatewayRow {
  readonly gateway: string
  readonly state: State
  readonly because: readonly string[]
  readonly link: LinkState
  /** Whether this process can cut and restore its link. */
  readonly switchable: boolean
  readonly last_mark: string | null
  readonly accepted: number
  readonly settled: number
  readonly pending: number
  readonly void: number
  readonly lost: number
  /** Missing in the store that misses most. */
  readonly missing: number
  readonly journal: JournalRow | null
  readonly stores: Readonly<Record<string, StoreVerdict>>
}

export interface FleetCounts {
  readonly gateways: number
  readonly complete: number
  readonly closed: number
  readonly open: number
  readonly silent: number
  readonly cut: number
}

/** `GET /api/gateways`, and the first event of `/api/events`. */
export interface Fleet {
  readonly as_of: string
  readonly state: State
  readonly counts: FleetCounts
  /** Rises by one at each look that found something new; begins anew with the process. */
  readonly version: number
  readonly gateways: readonly GatewayRow[]
}

/** `event: changes` of `/api/events`: what differs from the version before. Where the rows are not as many as `counts` says, some are gone: ask for the whole. */
export interface FleetChanges {
  readonly as_of: string
  readonly state: State
  readonly counts: FleetCounts
  readonly version: number
  /** Whole rows of those that changed or are new. */
  readonly gateways: readonly GatewayRow[]
}

/** `event: trouble` of `/api/events`: the ledger can't be read; the next `fleet` or `changes` ends it. */
export interface FleetTrouble {
  readonly reason: string
}

export interface OutageRow extends OutageVerdict {
  readonly gateway: string
  /** Positions accepted meanwhile, and how many of them have landed in every required store. */
  readonly accepted: number
  readonly landed: number
}

export interface RequestRow {
  readonly gateway: string
  readonly request_id: string
  readonly sent: string
  readonly attempt: number
  /** `EPOCH:A-B`, the first hundred. */
  readonly asked: readonly string[]
  readonly positions: number
  readonly parts: number
  readonly answered: boolean
}

export interface SensorRow {
  readonly type: string
  readonly sensor: string
}

/** `GET /api/gateways/ID` */
export interface GatewayDetail extends GatewayRow {
  readonly as_of: string
  readonly epochs: readonly EpochVerdict[]
  /** The newest 1,000, newest first. */
  readonly outages: readonly OutageRow[]
  readonly requests: readonly RequestRow[]
}

/** `GET /api/outages?limit=`: of the fleet, newest first. */
export interface Outages {
  readonly as_of: string
  readonly outages: readonly OutageRow[]
}

/** `GET /api/requests?limit=`: of the fleet, newest first: those that not every required store has passed. */
export interface Requests {
  readonly as_of: string
  readonly requests: readonly RequestRow[]
}

/** `GET /api/gateways/ID/sensors`: by type and name, from its manifests; from a store where none has come yet. */
export interface Sensors {
  readonly sensors: readonly SensorRow[]
}

/** `GET /api/gateways/ID/readings?type=&sensor=&from=&to=&points=`: columns of equal length, by time, thinned to `points` by taking each stretch's least and greatest. */
export interface Plot {
  readonly store: string
  readonly type: string
  readonly sensor: string
  readonly time_ms: readonly number[]
  /** By field; only numbers and booleans (as 0 and 1). */
  readonly fields: Readonly<Record<string, readonly (number | null)[]>>
  /** Whether the reading came by recovery; all false where the store does not keep that. */
  readonly recovered: readonly boolean[]
  /** Readings read, before thinning, and whether the window holds more: then its later part is read here and there. */
  readonly readings: number
  readonly more: boolean
}

export interface QuarantineRow {
  readonly id: string
  readonly at: string
  readonly gateway: string
  readonly code: string
  readonly reason: string
  readonly store: string | null
  readonly from: string
  readonly redrivable: boolean
}

/** `GET /api/quarantine?limit=` : the newest open entries, and how many there are by code. */
export interface Quarantine {
  readonly open: number
  readonly by_code: Readonly<Record<string, number>>
  readonly entries: readonly QuarantineRow[]
}

/** An alert that was told of, as a process of this data directory keeps it. */
export interface AlertRow {
  readonly id: string
  /** The process that has seen it. */
  readonly service: string
  readonly rule: string
  readonly severity: 'critical' | 'warning'
  readonly subject: string
  readonly summary: string
  readonly advice: string
  readonly since: string
  readonly opened_at: string
  readonly ended_at: string | null
}

/** `GET /api/alerts?limit=` : open ones first, then those that were over within a day. */
export interface Alerts {
  readonly as_of: string
  readonly open: number
  readonly episodes: readonly AlertRow[]
}

/** A root of recordings as the indexer saw it last. */
export interface RecordingRootRow {
  readonly root: string
  readonly path: string
  readonly state: string
  readonly reason: string
  /** Entries of the index by state. */
  readonly entries: Readonly<Record<string, number>>
  readonly settling: number
  readonly waiting: number
  readonly found: number
  readonly unlistable: number
  readonly too_long: number
  readonly listed_at: string | null
}

/** `GET /api/recordings` */
export interface Recordings {
  readonly as_of: string
  readonly roots: readonly RecordingRootRow[]
}

/** A bucket of the mirror; counts are points: values of single fields. */
export interface MirrorBucketRow {
  readonly bucket: string
  readonly state: string
  readonly reason: string
  readonly points: number
  readonly missing: number
  readonly differing: number
  readonly extra: number
  readonly written: number
  readonly left: number
  /** Up to when new points have been looked for, and the end of the last pass. */
  readonly fresh_at: string | null
  readonly passed_at: string | null
}

export interface MirrorEndRow {
  readonly end: string
  /** `null` while it answers. */
  readonly away_since: string | null
  readonly reason: string
}

/** `GET /api/mirror`: how the mirror of this data directory stood when it last said so. */
export interface MirrorRows {
  readonly as_of: string
  readonly told_at: string | null
  /** Whether it has said so lately. */
  readonly runs: boolean
  readonly ends: readonly MirrorEndRow[]
  readonly buckets: readonly MirrorBucketRow[]
}

/** What a POST asks to be done: the link, recover, replay, writeoff and quarantine of the command line. */
export type PageAction =
  | { readonly kind: 'link'; readonly gateway: string; readonly cut: boolean }
  | { readonly kind: 'recover'; readonly gateway: string; readonly from: string; readonly to: string }
  | { readonly kind: 'replay'; readonly store: string; readonly to: string }
  | {
      readonly kind: 'writeoff'
      readonly gateway: string
      readonly epoch: string
      readonly ranges: string
      readonly reason: string
    }
  | { readonly kind: 'redrive' | 'discard'; readonly id: string }

/** A POST that did what it was asked; `text` is what the command says. */
export interface Done {
  readonly ok: true
  readonly text: string
}

/** Every other answer: nothing was done, or not all. */
export interface NotDone {
  readonly code: string
  readonly reason: string
}
