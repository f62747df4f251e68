/** The page on real rules: what it acts on reaches the log as the commands' doing does, and without a log only what needs one is missing. */

import { describe, expect, test } from 'vitest'
import type { Epoch, GatewayId } from '../../../schemas/reading.ts'
import type { QuarantineEntry } from '../../../schemas/records/events.ts'
import type { RunningServices } from '../../../services/commands/context.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import type { Base } from '../../../services/main/base.ts'
import { statusPage } from '../../../services/main/status-page.ts'
import type { Quarantine } from '../../../services/status/page-api.ts'
import type { TopicName } from '../../../topics/index.ts'
import { commandContext, namedStore, type TestContext } from '../../support/command-context.ts'
import { E1, ledgerOf, mark } from '../../support/ledger-events.ts'

const SHED = 'shed' as GatewayId
const MINE = { authorization: 'Bearer page-token' }

async function pageOn(given: { running?: RunningServices; base?: () => Promise<Base> } = {}) {
  const context = await commandContext({ stores: new Map([['embedded', namedStore('embedded')]]) })
  await context.messageLog.applyTopics()
  const { head, epochs } = ledgerOf([mark(E1, 100, 1)])
  await context.ledger.save(SHED, 0, { head: { ...head, gateway: SHED }, epochs })
  const running = given.running === undefined ? {} : { running: given.running }
  const hosted = running.running?.links().map(({ gateway, cut }) => ({ gateway, cut, journal: NO_JOURNAL })) ?? []
  const { app, status } = statusPage({
    settings: context.settings,
    logger: context.logger,
    ledger: context.ledger,
    stores: [...context.stores.values()].map((store) => ({ name: store.name, open: async () => store })),
    base: given.base ?? (async () => context),
    hosted: () => hosted,
    recordings: async () => [],
    ...running,
    pageToken: 'page-token',
    signal: context.signal,
  })
  const get = async (path: string) => app.request(path, {}, { incoming: { headers: {} } })
  const post = async (path: string, body: object) => {
    const init = { method: 'POST', headers: MINE, body: JSON.stringify(body) }
    const answer = await app.request(path, init, { incoming: { headers: MINE } })
    return { status: answer.status, told: (await answer.json()) as Record<string, string> }
  }
  return { context, get, post, status }
}

const NO_JOURNAL = { readings: 0, unconfirmed: 0, bytes: 0, max_bytes: 1 }

async function valuesOn({ messageLog, signal }: TestContext, topic: TopicName): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = []
  for (const [partition, { next }] of (await messageLog.offsets(topic)).entries()) {
    for await (const records of messageLog.tail({ topic, partition, from: 'earliest', until: next }, signal)) {
      found.push(...records.flatMap(({ value }) => (value === null ? [] : [value])))
    }
  }
  return found
}

async function quarantine({ messageLog, codec }: TestContext, id: string, code: QuarantineEntry['code']) {
  const entry: QuarantineEntry = {
    kind: 'entry',
    id,
    timeMs: 1_700_000_000_000,
    code,
    reason: 'it can not be decoded',
    gateway: SHED,
    store: 'embedded',
    source: { topic: 'readings', partition: messageLog.partitionOf(SHED), firstOffset: 3, nextOffset: 4 },
    raw: new Uint8Array([1, 2, 3]),
    attempts: 1,
  }
  await messageLog.produce('quarantine', [{ key: SHED, value: await codec.encode('quarantine', entry) }])
}

describe('the page', () => {
  test('asks a gateway again for a window', async () => {
    const { context, post } = await pageOn()
    const window = { from: '2026-11-22T00:00:00Z', to: '2026-11-22T01:00:00Z' }
    const { status, told } = await post('/api/recover', { gateway: SHED, ...window })
    expect([status, told.text]).toEqual([200, expect.stringContaining('shed: asked for 2026-11-22T00:00:00Z')])
    const [value = new Uint8Array()] = await valuesOn(context, 'recovery_data_request')
    const fromMs = Date.parse(window.from)
    expect(await context.codec.decode('recovery_data_request', value)).toMatchObject({
      record: { gateway: SHED, window: { fromMs, toMs: fromMs + 3_600_000 } },
    })
    const wrong = await post('/api/recover', { gateway: 'nobody', ...window })
    expect(wrong).toMatchObject({ status: 400, told: { code: 'usage-wrong' } })
  })

  test('writes positions off with the reason given', async () => {
    const { context, post } = await pageOn()
    const body = { gateway: SHED, epoch: E1 as Epoch, ranges: '5-9', reason: 'disk burnt' }
    const { told } = await post('/api/writeoff', body)
    expect(told.text).toContain('5-9 written off: disk burnt')
    const [value = new Uint8Array()] = await valuesOn(context, 'landings')
    expect(await context.codec.decode('landings', value)).toMatchObject({
      record: { kind: 'written-off', lost: [{ epoch: E1, ranges: [[5, 9]] }], reason: 'disk burnt' },
    })
  })

  test('shows the quarantine, and what it closes is gone from it at once', async () => {
    const { context, get, post } = await pageOn()
    await quarantine(context, 'a', 'key-mismatch')
    await quarantine(context, 'b', 'undecodable')
    const shown = async () => (await (await get('/api/quarantine')).json()) as Quarantine
    expect((await shown()).entries.map(({ id, redrivable }) => [id, redrivable]).toSorted()).toEqual([
      ['a', false],
      ['b', true],
    ])
    const refused = await post('/api/quarantine/redrive', { id: 'a' })
    expect(refused).toMatchObject({
      status: 409,
      told: { code: 'refused', reason: expect.stringContaining('not sent') },
    })
    expect((await post('/api/quarantine/redrive', { id: 'b' })).told.text).toBe('b: sent again on readings')
    expect(await valuesOn(context, 'readings')).toEqual([new Uint8Array([1, 2, 3])])
    expect((await shown()).entries.map(({ id }) => id)).toEqual(['a'])
    expect((await post('/api/quarantine/discard', { id: 'a' })).status).toBe(200)
    expect(await shown()).toEqual({ open: 0, by_code: {}, entries: [] })
  })

  test('switches a link and replays a store by what runs in its process', async () => {
    const done: unknown[] = []
    const running: RunningServices = {
      links: () => [{ gateway: SHED, cut: false }],
      setLink: (...given) => void done.push(given),
      whilePaused: async (store, work) => {
        done.push(`${store} paused`)
        return work()
      },
    }
    const { post } = await pageOn({ running })
    expect((await post('/api/link/shed', { cut: true })).told.text).toContain('shed: link cut')
    const replayed = await post('/api/replay', { store: 'embedded', to: 'earliest' })
    expect(replayed.told.text).toContain('from the earliest record')
    expect(done).toEqual([['shed', true, undefined], 'embedded paused'])
    expect((await post('/api/replay', { store: 'other', to: 'earliest' })).status).toBe(400)
  })

  test('of a process without a log shows the fleet all the same, and says what the rest needs', async () => {
    const { get, post } = await pageOn({
      base: async () => {
        throw new TidemarkError('log-unavailable', 'this process has none; set MESSAGE_LOG=kafka')
      },
    })
    for (const path of ['/', '/api/gateways', '/api/gateways/shed', '/api/outages', '/api/requests', '/api/proof']) {
      expect([path, (await get(path)).status]).toEqual([path, 200])
    }
    const refused = [
      await get('/api/quarantine').then(async (answer) => ({ status: answer.status, told: await answer.json() })),
      await post('/api/recover', { gateway: SHED, from: '2026-11-22T00:00:00Z', to: '2026-11-22T01:00:00Z' }),
      await post('/api/quarantine/discard', { id: 'a' }),
    ]
    for (const answer of refused) {
      expect(answer).toMatchObject({ status: 503, told: { reason: expect.stringContaining('MESSAGE_LOG=kafka') } })
    }
  })
})
