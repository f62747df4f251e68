/** Gateways as the API tells of them, made up: the same for the same numbers. */

import type {
  AlertRow,
  Fleet,
  FleetCounts,
  GatewayDetail,
  GatewayRow,
  MirrorRows,
  OutageRow,
  Plot,
  RecordingRootRow,
} from '../../services/status/page-api.ts'

const NOW_MS = Date.now()

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}

export function gatewayRow(gateway: string, changes: Partial<GatewayRow> = {}): GatewayRow {
  const accepted = changes.accepted ?? 86_400
  const missing = changes.missing ?? 0
  return {
    gateway,
    state: 'complete',
    because: [],
    link: 'up',
    switchable: false,
    last_mark: iso(NOW_MS),
    accepted,
    settled: accepted - missing,
    pending: missing,
    void: 0,
    lost: 0,
    missing,
    journal: null,
    stores: {
      mongodb: { generation: 'a3f19c0d2b7e', landed: accepted - missing, conflict: 0, rejected: 0, missing },
      influxdb: { generation: '77c2e94f01aa', landed: accepted, conflict: 0, rejected: 0, missing: 0 },
    },
    ...changes,
  }
}

/** Of a hundred: three silent, one cut, one closed; the others complete. */
export function manyGateways(count: number): readonly GatewayRow[] {
  return Array.from({ length: count }, (_, i) => {
    const gateway = `field-${String(i + 1).padStart(5, '0')}`
    const kind = i % 100
    if (kind < 3) return silent(gateway, i)
    if (kind === 3) return gatewayRow(gateway, { state: 'open', link: 'cut', because: ['the gateway is disconnected'] })
    if (kind === 4) return gatewayRow(gateway, { state: 'closed', lost: 12, because: [] })
    return gatewayRow(gateway, { accepted: 86_400 + i })
  })
}

function silent(gateway: string, i: number): GatewayRow {
  return gatewayRow(gateway, {
    state: 'open',
    link: 'silent',
    missing: 40 + i,
    because: ['no mark from the gateway within three heartbeats', `epoch 6f1c20aa93d7: ${40 + i} positions missing`],
    last_mark: iso(NOW_MS - 7_200_000),
  })
}

export function countsOf(rows: Iterable<GatewayRow>): FleetCounts {
  const counts = { gateways: 0, complete: 0, closed: 0, open: 0, silent: 0, cut: 0 }
  for (const { state, link } of rows) {
    counts.gateways += 1
    counts[state] += 1
    if (link !== 'up') counts[link] += 1
  }
  return counts
}

export function fleetOf(rows: ReadonlyMap<string, GatewayRow>, version: number): Fleet {
  const gateways = [...rows.values()]
  return { as_of: iso(Date.now()), state: 'open', counts: countsOf(gateways), version, gateways }
}

export function detailOf(row: GatewayRow, outages: number): GatewayDetail {
  const missing = row.missing === 0 ? [] : ([[80_101, 80_100 + row.missing]] as [number, number][])
  return {
    ...row,
    as_of: iso(Date.now()),
    epochs: [
      { epoch: '0b7d4e91c6aa', bound: 41_210, final_seq: 41_210, state: 'complete', missing: [] },
      { epoch: '6f1c20aa93d7', bound: row.accepted, final_seq: null, state: row.state, missing },
    ],
    outages: Array.from({ length: outages }, (_, i) => outage(row.gateway, i)),
    requests: [
      {
        gateway: row.gateway,
        request_id: 'd41a77be20c9f3e1',
        sent: iso(NOW_MS - 40_000),
        attempt: 1,
        asked: ['6f1c20aa93d7:80101-80412'],
        positions: 312,
        parts: 1,
        answered: true,
      },
    ],
  }
}

function outage(gateway: string, i: number): OutageRow {
  const lostMs = NOW_MS - 100_000 - i * 600_000
  const accepted = 30 + ((i * 37) % 400)
  return {
    gateway,
    id: `outage-${i + 1}`,
    lost_connection_time: iso(lostMs),
    restored_connection_time: iso(lostMs + accepted * 1000),
    reason: 'the broker did not answer',
    noticed_by: 'uplink',
    positions: [`6f1c20aa93d7:${1000 + i * 500}-${999 + i * 500 + accepted}`],
    state: i === 7 ? 'closed' : 'complete',
    accepted,
    landed: accepted,
  }
}

/** One reading a second up to now; those of the last outage came by recovery. */
export function plotOf(type: string, sensor: string, fromMs: number, toMs: number): Plot {
  const stepMs = Math.max(1000, (toMs - fromMs) / 600)
  const time_ms = Array.from({ length: Math.floor((toMs - fromMs) / stepMs) }, (_, i) =>
    Math.round(fromMs + i * stepMs),
  )
  return {
    store: 'mongodb',
    type,
    sensor,
    time_ms,
    fields: {
      temperature: time_ms.map(
        (ms) => Math.round((14 + 3 * Math.sin(ms / 90_000) + Math.sin(ms / 7000) / 4) * 100) / 100,
      ),
      pressure: time_ms.map((ms) => Math.round(1013 + Math.sin(ms / 50_000))),
    },
    recovered: time_ms.map((ms) => ms >= NOW_MS - 100_000 && ms < NOW_MS - 70_000),
    readings: time_ms.length,
    more: false,
  }
}

/** Two that are open, one that is over. */
export const ALERTS: readonly AlertRow[] = [
  ['a1', 'link-down', 'here', null],
  ['a2', 'store-away', 'store mongodb', null],
  ['a3', 'gateway-silent', 'there', iso(Date.now())],
].map(([id = '', rule = '', subject = '', ended = null]) => ({
  ...{ id: String(id), service: 'up', rule: String(rule), severity: 'warning' as const, subject: String(subject) },
  ...{ summary: `what is wrong with ${subject}`, advice: 'Look at it.', since: iso(Date.now() - 3_600_000) },
  ...{ opened_at: iso(Date.now() - 3_000_000), ended_at: ended },
}))

export const MIRROR: Omit<MirrorRows, 'as_of'> = {
  ...{ told_at: iso(Date.now()), runs: true },
  ends: [
    { end: 'source', away_since: iso(Date.now() - 60_000), reason: 'nothing in 60 s' },
    { end: 'target', away_since: null, reason: '' },
  ],
  buckets: [
    {
      ...{
        bucket: 'cryostat',
        state: 'equal',
        reason: '',
        points: 12_000,
        missing: 0,
        differing: 0,
        extra: 0,
        written: 12_000,
      },
      ...{ left: 0, fresh_at: iso(Date.now()), passed_at: iso(Date.now()) },
    },
    {
      ...{ bucket: 'dome', state: 'differs', reason: '3 missing points were found again', points: 9, missing: 2 },
      ...{ differing: 1, extra: 4, written: 3, left: 5, fresh_at: iso(Date.now()), passed_at: null },
    },
  ],
}

export const ROOTS: readonly RecordingRootRow[] = [
  {
    ...{ root: 'cellar', path: '/mnt/cellar', state: 'sound', reason: '', entries: { final: 12_000, empty: 2 } },
    ...{ settling: 1, waiting: 0, found: 12_003, unlistable: 0, too_long: 0, listed_at: iso(Date.now()) },
  },
  {
    ...{ root: 'roof', path: '/mnt/roof', state: 'suspicious', reason: '5 of 5 recordings are not there any more' },
    ...{ entries: { final: 5 }, settling: 0, waiting: 3, found: 0, unlistable: 1, too_long: 0, listed_at: null },
  },
]
