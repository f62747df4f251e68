/** The metrics text: what the services count, under names that Prometheus's conventions ask for. */

import { expect, test } from 'vitest'
import { type Metric, metricsText } from '../../../infra/http/metrics-text.ts'
import type { Proof } from '../../../services/commands/proof.ts'
import { gatewayMetrics, proofMetrics, recoveryMetrics, sinkMetrics } from '../../../services/main/metric-samples.ts'

const GATEWAY = {
  gateway: 'shed',
  usage: { bytes: 4096, maxBytes: 8192, readings: 7, unconfirmed: 5, oldestMs: 1_500 },
  head: 12,
  published: 9,
  linkUp: true,
  answered: 2,
}
const COUNTS = { records: 10, stored: 6, duplicate: 3, conflict: 2, rejected: 1, undecodable: 4 }
const VERDICT = {
  gateway: 'shed',
  state: 'open',
  connected: true,
  last_mark: '1970-01-01T00:00:02.5Z',
  accepted: 100,
  settled: 90,
  pending: 7,
  void: 2,
  lost: 1,
  stores: { mongodb: { generation: 'g', landed: 90, conflict: 1, rejected: 2, missing: 3 } },
} as unknown as Proof['gateways'][number]
const PROOF: Proof = { as_of: 'now', state: 'open', gateways: [VERDICT] }

async function linesOf(metrics: readonly Metric[]): Promise<readonly string[]> {
  return (await metricsText(metrics)).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

test('a gateway shows its journal, its live lane and its link', async () => {
  expect(await linesOf(gatewayMetrics([GATEWAY]))).toEqual([
    'tidemark_journal_accepted_total{gateway="shed"} 12',
    'tidemark_journal_readings{gateway="shed"} 7',
    'tidemark_journal_unconfirmed_readings{gateway="shed"} 5',
    'tidemark_journal_bytes{gateway="shed"} 4096',
    'tidemark_journal_max_bytes{gateway="shed"} 8192',
    'tidemark_journal_oldest_timestamp_seconds{gateway="shed"} 1.5',
    'tidemark_uplink_published_total{gateway="shed"} 9',
    'tidemark_link_up{gateway="shed"} 1',
    'tidemark_responder_answered_total{gateway="shed"} 2',
  ])
})

test('an empty journal has no oldest reading to show', async () => {
  const empty = { ...GATEWAY, usage: { ...GATEWAY.usage, oldestMs: null } }
  expect((await linesOf(gatewayMetrics([empty]))).join()).not.toContain('oldest')
})

test('a sink shows what became of the readings, store by store', async () => {
  const lines = await linesOf(
    sinkMetrics([
      { store: 'mongodb', counts: COUNTS, health: { away: true, reason: 'gone' } },
      { store: 'influxdb', counts: COUNTS, health: { away: false, reason: '' } },
    ]),
  )
  expect(lines).toContain('tidemark_sink_store_up{store="mongodb"} 0')
  expect(lines).toContain('tidemark_sink_store_up{store="influxdb"} 1')
  expect(lines).toContain('tidemark_sink_readings_total{store="mongodb",outcome="stored"} 6')
  expect(lines).toContain('tidemark_sink_readings_total{store="influxdb",outcome="rejected"} 1')
  expect(lines).toContain('tidemark_sink_undecodable_records_total{store="mongodb"} 4')
})

test('recovery shows what it asked for', async () => {
  const counts = { requests: 3, requestedPositions: 500, expired: 1, receipts: 8, undecodable: 0 }
  expect(await linesOf(recoveryMetrics(counts))).toEqual([
    'tidemark_recovery_requests_total 3',
    'tidemark_recovery_requested_positions_total 500',
    'tidemark_recovery_expired_requests_total 1',
    'tidemark_recovery_receipts_total 8',
    'tidemark_recovery_undecodable_records_total 0',
  ])
})

test('the ledger shows each gateway and how it stands in each store', async () => {
  const lines = await linesOf(proofMetrics(PROOF))
  expect(lines).toContain('tidemark_gateway_complete{gateway="shed"} 0')
  expect(lines).toContain('tidemark_gateway_last_mark_timestamp_seconds{gateway="shed"} 2.5')
  expect(lines).toContain('tidemark_gateway_pending_readings{gateway="shed"} 7')
  expect(lines).toContain('tidemark_store_readings{gateway="shed",store="mongodb",state="missing"} 3')
})

test('names keep the conventions: counters end in _total, units are base units and plural', () => {
  const counts = { requests: 0, requestedPositions: 0, expired: 0, receipts: 0, undecodable: 0 }
  const health = { away: false, reason: '' }
  const all = [
    ...gatewayMetrics([GATEWAY]),
    ...recoveryMetrics(counts),
    ...sinkMetrics([{ store: 's', counts: COUNTS, health }]),
    ...proofMetrics(PROOF),
  ]
  for (const { name, help } of all) {
    expect(name).toMatch(/^tidemark_[a-z]+(_[a-z]+)*$/)
    expect(name).toMatch(/_(total|bytes|seconds|readings|up|complete|connected)$/)
    expect(help).toMatch(/\.$/)
  }
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
})
