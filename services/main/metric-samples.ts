/** The figures of the services as metrics, taken from what they count anyway at the moment somebody asks. */

import type { Metric } from '../../infra/http/metrics-text.ts'
import type { AlertCounts } from '../alerts/alerter.ts'
import type { Proof } from '../commands/proof.ts'
import type { BucketStatus, MirrorStatus } from '../core/mirror-status.ts'
import type { IndexerStatus, RootStatus } from '../indexer/changes.ts'
import type { JournalUsage } from '../ports/journal.ts'
import type { Recovery } from '../recovery/recovery.ts'
import type { Sink } from '../sink/sink.ts'

export interface GatewayFigures {
  readonly gateway: string
  readonly usage: JournalUsage
  /** Highest position of the open epoch. */
  readonly head: number
  readonly published: number
  readonly linkUp: boolean
  readonly answered: number
}

export interface SinkFigures extends Pick<Sink, 'counts' | 'health'> {
  readonly store: string
}

type Rows<T> = readonly (readonly [name: string, help: string, value: (of: T) => number | null])[]

const GATEWAY: Rows<GatewayFigures> = [
  ['tidemark_journal_accepted_total', 'Readings accepted in the open epoch of the journal.', ({ head }) => head],
  ['tidemark_journal_readings', 'Readings the journal holds.', ({ usage }) => usage.readings],
  [
    'tidemark_journal_unconfirmed_readings',
    'Readings the journal holds that no receipt has confirmed.',
    ({ usage }) => usage.unconfirmed,
  ],
  ['tidemark_journal_bytes', 'Bytes the rows of the journal take.', ({ usage }) => usage.bytes],
  ['tidemark_journal_max_bytes', 'Room of the journal, JOURNAL_MAX_BYTES.', ({ usage }) => usage.maxBytes],
  [
    'tidemark_journal_oldest_timestamp_seconds',
    'When the oldest reading of the journal was accepted.',
    ({ usage }) => (usage.oldestMs === null ? null : usage.oldestMs / 1000),
  ],
  ['tidemark_uplink_published_total', 'Readings published by the live lane.', ({ published }) => published],
  ['tidemark_link_up', '1 while the gateway reaches the message log.', ({ linkUp }) => Number(linkUp)],
  ['tidemark_responder_answered_total', 'Recovery requests answered.', ({ answered }) => answered],
]

const RECOVERY: Rows<Recovery['counts']> = [
  ['tidemark_recovery_requests_total', 'Requests sent to gateways.', ({ requests }) => requests],
  [
    'tidemark_recovery_requested_positions_total',
    'Positions that gateways were asked for.',
    ({ requestedPositions }) => requestedPositions,
  ],
  ['tidemark_recovery_expired_requests_total', 'Requests that passed their deadline.', ({ expired }) => expired],
  ['tidemark_recovery_receipts_total', 'Receipts sent to gateways.', ({ receipts }) => receipts],
  [
    'tidemark_recovery_undecodable_records_total',
    'Records that are not of tidemark.',
    ({ undecodable }) => undecodable,
  ],
]

const SINK: Rows<SinkFigures> = [
  ['tidemark_sink_records_total', 'Records read from the log.', ({ counts }) => counts.records],
  ['tidemark_sink_undecodable_records_total', 'Records put in quarantine unread.', ({ counts }) => counts.undecodable],
  ['tidemark_sink_store_up', '0 while the store refuses or does not answer.', ({ health }) => Number(!health.away)],
]

const OUTCOMES = ['stored', 'duplicate', 'conflict', 'rejected'] as const
const SINK_READINGS = ['tidemark_sink_readings_total', 'Readings by what became of them in the store.'] as const
const STORE_READINGS = [
  'tidemark_store_readings',
  'Readings of a gateway by how they stand in a required store.',
] as const

type GatewayVerdict = Proof['gateways'][number]

const PROOF: Rows<GatewayVerdict> = [
  ['tidemark_gateway_complete', '1 while every due reading has landed.', ({ state }) => Number(state === 'complete')],
  ['tidemark_gateway_connected', '1 while its marks are fresh.', ({ connected }) => Number(connected)],
  [
    'tidemark_gateway_last_mark_timestamp_seconds',
    'When the log took its newest mark.',
    ({ last_mark: mark }) => (mark === null ? null : Date.parse(mark) / 1000),
  ],
  ['tidemark_gateway_accepted_readings', 'Readings it is known to have accepted.', ({ accepted }) => accepted],
  ['tidemark_gateway_settled_readings', 'Of those, settled in every required store.', ({ settled }) => settled],
  ['tidemark_gateway_pending_readings', 'Of those, not settled yet.', ({ pending }) => pending],
  ['tidemark_gateway_void_readings', 'Of those, declared gone by the gateway.', (each) => each.void],
  ['tidemark_gateway_lost_readings', 'Of those, written off by an operator.', ({ lost }) => lost],
]

const ROOT: Rows<RootStatus> = [
  [
    'tidemark_recordings_root_sound',
    '1 while the root can be listed and believed.',
    ({ state }) => Number(state === 'sound'),
  ],
  [
    'tidemark_recordings_root_suspect',
    '1 while the root can not be listed, or what is listed can not be believed.',
    ({ state }) => Number(state === 'suspicious' || state === 'unreachable'),
  ],
  [
    'tidemark_recordings_root_standby',
    '1 while another indexer has its lease.',
    ({ state }) => Number(state === 'standby'),
  ],
  ['tidemark_recordings_found', 'Recordings on storage at the last listing.', ({ found }) => found],
  ['tidemark_recordings_settling', 'Recordings that have to rest before they count.', ({ settling }) => settling],
  ['tidemark_recordings_waiting', 'Recordings that have rested and wait for the index.', ({ waiting }) => waiting],
  ['tidemark_recordings_unlistable_folders', 'Folders that could not be listed.', ({ unlistable }) => unlistable],
  ['tidemark_recordings_too_long_paths', 'Recordings whose paths are too long for an entry.', ({ tooLong }) => tooLong],
  [
    'tidemark_recordings_listed_timestamp_seconds',
    'End of the last listing that was held against the index.',
    ({ listedMs }) => (listedMs === null ? null : listedMs / 1000),
  ],
  ['tidemark_recordings_listing_seconds', 'How long that listing took.', ({ listingMs }) => listingMs / 1000],
]

const RECORDING_ENTRIES = ['tidemark_recordings_entries', 'Entries of the index by state.'] as const
const INDEX_UP = ['tidemark_recordings_index_up', '0 while the index is away.'] as const
const HASHED = ['tidemark_recordings_hashed_total', 'Hashes written.'] as const

const MIRROR: Rows<BucketStatus> = [
  [
    'tidemark_mirror_equal',
    '1 while the last pass left the bucket equal, exceptions apart.',
    ({ state }) => Number(state === 'equal' || state === 'exceptions'),
  ],
  ['tidemark_mirror_points', 'Points of the source at the last pass: values of single fields.', ({ points }) => points],
  ['tidemark_mirror_written_points_total', 'Points written to the target.', ({ written }) => written],
  ['tidemark_mirror_left_points', 'Points that the pass under way has still to copy.', ({ left }) => left],
  ['tidemark_mirror_extra_points', 'Points at the target alone, at the last pass.', ({ extra }) => extra],
  ['tidemark_mirror_refused_points', 'Points that the target refused at the last pass.', ({ refused }) => refused],
  [
    'tidemark_mirror_outside_retention_points',
    'Points older than the target keeps, at the last pass.',
    ({ outsideRetention }) => outsideRetention,
  ],
  [
    'tidemark_mirror_fresh_timestamp_seconds',
    'Up to when new points have been looked for.',
    ({ freshMs }) => (freshMs === null ? null : freshMs / 1000),
  ],
  [
    'tidemark_mirror_pass_timestamp_seconds',
    'End of the last pass.',
    ({ passedMs }) => (passedMs === null ? null : passedMs / 1000),
  ],
]

const MIRROR_END_UP = ['tidemark_mirror_end_up', '0 while that end of the mirror is away.'] as const
const MIRROR_BYTES = ['tidemark_mirror_bytes_total', 'Bytes over the network, packed as they are.'] as const

const ALERTS_OPEN = ['tidemark_alerts_open', 'Alerts that were told of and are not over.'] as const
const ALERT_MESSAGES = ['tidemark_alert_messages_total', 'Messages of alerts by what became of them.'] as const

const STORE_FIGURES = ['landed', 'missing', 'conflict', 'rejected'] as const

export interface DeclaredMetric {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** Which process tells it; `up` tells all. */
  readonly of: string
}

/** Every metric of tidemark's own, as its table in `infra/operations.md` shows them. */
export const METRICS: readonly DeclaredMetric[] = [
  ...declared('gateway', ['gateway'], GATEWAY),
  ...declared('recovery', [], RECOVERY),
  ...declared('sink', ['store'], SINK),
  ...declared('sink', ['store', 'outcome'], [SINK_READINGS]),
  ...declared('status', ['gateway'], PROOF),
  ...declared('status', ['gateway', 'store', 'state'], [STORE_READINGS]),
  ...declared('indexer', ['root'], ROOT),
  ...declared('indexer', ['root', 'state'], [RECORDING_ENTRIES]),
  ...declared('indexer', [], [INDEX_UP, HASHED]),
  ...declared('mirror', ['bucket'], MIRROR),
  ...declared('mirror', ['end'], [MIRROR_END_UP]),
  ...declared('mirror', ['end', 'direction'], [MIRROR_BYTES]),
  ...declared('each', ['rule'], [ALERTS_OPEN]),
  ...declared('each', ['channel', 'outcome'], [ALERT_MESSAGES]),
]

export function metricsMarkdown(): string {
  const rows = METRICS.map(({ name, help, labels, of }) => {
    const type = name.endsWith('_total') ? 'counter' : 'gauge'
    return `| \`${name}\` | ${type} | ${labels.map((each) => `\`${each}\``).join(' ')} | ${of} | ${help} |`
  })
  return ['| metric | type | labels | told by | what it is |', '|---|---|---|---|---|', ...rows].join('\n')
}

function declared(
  of: string,
  labels: readonly string[],
  rows: readonly (readonly [name: string, help: string, ...unknown[]])[],
): readonly DeclaredMetric[] {
  return rows.map(([name, help]) => ({ name, help, labels, of }))
}

export function gatewayMetrics(gateways: readonly GatewayFigures[]): Metric[] {
  return metricsOf(GATEWAY, gateways, ({ gateway }) => ({ gateway }))
}

export function recoveryMetrics(counts: Recovery['counts']): Metric[] {
  return metricsOf(RECOVERY, [counts], () => ({}))
}

export function sinkMetrics(sinks: readonly SinkFigures[]): Metric[] {
  const outcomes = sinks.flatMap(({ store, counts }) =>
    OUTCOMES.map((outcome) => ({ labels: { store, outcome }, value: counts[outcome] })),
  )
  return [...metricsOf(SINK, sinks, ({ store }) => ({ store })), sampled(SINK_READINGS, outcomes)]
}

/** What the ledger knows. It may go down again: readings can be revoked, and stores begin a new generation. */
export function proofMetrics({ gateways }: Proof): Metric[] {
  const samples = gateways.flatMap(({ gateway, stores }) =>
    Object.entries(stores).flatMap(([store, verdict]) =>
      STORE_FIGURES.map((state) => ({ labels: { gateway, store, state }, value: verdict[state] })),
    ),
  )
  return [...metricsOf(PROOF, gateways, ({ gateway }) => ({ gateway })), sampled(STORE_READINGS, samples)]
}

export function indexerMetrics({ away, roots }: IndexerStatus, hashed: number): Metric[] {
  const samples = roots.flatMap(({ root, entries }) =>
    Object.entries(entries).map(([state, value]) => ({ labels: { root, state }, value })),
  )
  return [
    ...metricsOf(ROOT, roots, ({ root }) => ({ root })),
    sampled(RECORDING_ENTRIES, samples),
    sampled(INDEX_UP, [{ labels: {}, value: Number(away === null) }]),
    sampled(HASHED, [{ labels: {}, value: hashed }]),
  ]
}

export function mirrorMetrics({ ends, buckets }: MirrorStatus): Metric[] {
  const bytes = ends.flatMap(({ end, received, sent }) =>
    Object.entries({ received, sent }).map(([direction, value]) => ({ labels: { end, direction }, value })),
  )
  const up = ends.map(({ end, away }) => ({ labels: { end }, value: Number(away === null) }))
  return [
    ...metricsOf(MIRROR, buckets, ({ bucket }) => ({ bucket })),
    sampled(MIRROR_END_UP, up),
    sampled(MIRROR_BYTES, bytes),
  ]
}

export function alertMetrics({ open, messages }: AlertCounts): Metric[] {
  const sent = Object.entries(messages).flatMap(([channel, { sent, failed, givenUp }]) =>
    Object.entries({ sent, failed, given_up: givenUp }).map(([outcome, value]) => ({
      labels: { channel, outcome },
      value,
    })),
  )
  const rules = Object.entries(open).map(([rule, value]) => ({ labels: { rule }, value }))
  return [sampled(ALERTS_OPEN, rules), sampled(ALERT_MESSAGES, sent)]
}

function sampled([name, help]: readonly [name: string, help: string], samples: Metric['samples']): Metric {
  return { name, help, samples }
}

function metricsOf<T>(rows: Rows<T>, all: readonly T[], labels: (of: T) => Readonly<Record<string, string>>): Metric[] {
  return rows.map(([name, help, value]) => ({
    name,
    help,
    samples: all.flatMap((each) => {
      const found = value(each)
      return found === null ? [] : [{ labels: labels(each), value: found }]
    }),
  }))
}
