/** The page and what it may read: by whom, with which headers, and what is said when something is away. */

import { describe, expect, test, vi } from 'vitest'
import { serveHttp, type WebApp } from '../../../infra/http/server.ts'
import type { AlertRow, Fleet, GatewayDetail, Plot, RecordingRootRow } from '../../../services/status/page-api.ts'
import { endlessReadings } from '../../services/status/endless-readings.ts'
import { outage } from '../../services/status/small-fleet.ts'
import { MINE, statusUnderTest } from './status-under-test.ts'

const READ = [
  '/',
  '/page/main.js',
  '/api/proof',
  '/api/gateways',
  '/api/gateways/g1',
  '/api/gateways/g1/sensors',
  '/api/outages',
  '/api/requests',
  '/api/quarantine',
  '/api/alerts',
  '/api/recordings',
  '/api/mirror',
]

describe('the status app', () => {
  test('serves the page with its token, the proof, the fleet and each gateway as JSON', async () => {
    const { ask, fleet } = statusUnderTest()
    await fleet.hear('g1', { accepted: 10, outages: [outage('o1', 1000, 2, 5)] })
    const page = await ask('/')
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toContain('content="page-secret"')
    expect(await (await ask('/api/proof')).json()).toMatchObject({ state: 'complete' })
    const gateways = await ask('/api/gateways')
    expect(gateways.headers.get('content-type')).toContain('application/json')
    expect(((await gateways.json()) as Fleet).gateways).toMatchObject([{ gateway: 'g1', accepted: 10 }])
    const detail = (await (await ask('/api/gateways/g1')).json()) as GatewayDetail
    expect(detail).toMatchObject({ gateway: 'g1', outages: [{ id: 'o1', accepted: 3, landed: 3 }] })
    expect(await (await ask('/api/outages?limit=5')).json()).toMatchObject({ outages: [{ id: 'o1' }] })
    expect(await (await ask('/api/requests')).json()).toMatchObject({ requests: [] })
  })

  test('tells of alerts as many as are asked for, and of the roots of recordings', async () => {
    const row = (id: string, ended: string | null) => ({ id, ended_at: ended }) as AlertRow
    const roots = [{ root: 'cellar' } as RecordingRootRow]
    const alerts = async () => [row('a', null), row('b', null), row('c', 'then')]
    const { ask } = statusUnderTest({ sources: { alerts, recordings: async () => roots } })
    expect(await (await ask('/api/alerts?limit=1')).json()).toMatchObject({ open: 2, episodes: [{ id: 'a' }] })
    expect(await (await ask('/api/recordings')).json()).toMatchObject({ roots: [{ root: 'cellar' }] })
    expect((await ask('/api/alerts?limit=0')).status).toBe(400)
  })

  test('knows no gateway that neither the ledger nor this process knows', async () => {
    const { ask } = statusUnderTest()
    for (const path of ['/api/proof?gateway=nobody', '/api/gateways/nobody']) {
      const answer = await ask(path)
      expect([path, answer.status]).toEqual([path, 404])
      expect(await answer.json()).toMatchObject({ code: 'gateway-unknown' })
    }
  })

  test('says what is away instead of failing, and goes on with the rest', async () => {
    const { ask, fleet } = statusUnderTest()
    await fleet.hear('g1', { accepted: 10 })
    for (const path of ['/api/quarantine', '/api/gateways/g1/sensors']) {
      const answer = await ask(path)
      expect([path, answer.status]).toEqual([path, 503])
      expect(await answer.json()).toMatchObject({
        code: 'log-unavailable',
        reason: expect.stringContaining('has none'),
      })
    }
    const plot = await ask(
      '/api/gateways/g1/readings?type=t&sensor=s&from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z',
    )
    expect([plot.status, await plot.json()]).toMatchObject([503, { code: 'store-unavailable' }])
    expect((await ask('/api/gateways')).status).toBe(200)
    fleet.state.isAway = true
    for (const path of ['/api/proof', '/api/gateways/g1']) {
      const answer = await ask(path)
      expect([path, answer.status]).toEqual([path, 503])
      expect(await answer.json()).toMatchObject({ code: 'ledger-unavailable' })
    }
    expect((await ask('/')).status).toBe(200)
  })

  test('asks for the token of the settings where one is set, and lets a browser sign in with it', async () => {
    const { ask, fleet } = statusUnderTest({ httpToken: 'outer' })
    await fleet.hear('g1', { accepted: 10 })
    for (const path of [...READ, '/api/gateways/g1/readings', '/api/events']) {
      for (const headers of [{}, MINE, { authorization: 'Bearer wrong' }]) {
        const refused = await ask(path, headers)
        expect([path, refused.status]).toEqual([path, 401])
        expect(refused.headers.get('www-authenticate')).toContain('Basic')
      }
    }
    const basic = `Basic ${Buffer.from('me:outer').toString('base64')}`
    for (const path of ['/', '/api/gateways']) expect((await ask(path, { authorization: basic })).status).toBe(200)
  })

  test('answers no page that another name was pointed at this machine for', async () => {
    const { ask, acted, post } = statusUnderTest()
    for (const path of [...READ, '/api/events', '/api/gateways/g1/readings']) {
      expect([path, (await ask(path, { host: 'evil.example:8080' })).status]).toEqual([path, 403])
    }
    for (const path of ['/api/link/g1', '/api/recover', '/api/replay', '/api/writeoff', '/api/quarantine/discard']) {
      expect([path, (await post(path, {}, { ...MINE, host: 'evil.example' })).status]).toEqual([path, 403])
    }
    expect(acted).toEqual([])
    for (const host of ['localhost:8080', '127.0.0.1:8080', '[::1]:8080'])
      expect((await ask('/', { host })).status).toBe(200)
  })

  test('lets a browser load nothing from elsewhere and nothing inline, whatever the answer', async () => {
    const { ask, post } = statusUnderTest()
    const answers = [
      ...(await Promise.all(READ.map((path) => ask(path)))),
      await ask('/', { host: 'evil.example' }),
      await ask('/api/events'),
      await ask('/page/nothing'),
      await post('/api/recover', {}, {}),
      await post('/api/recover', {}),
    ]
    for (const { headers, status } of answers) {
      const policy = headers.get('content-security-policy') ?? `none on ${status}`
      expect(policy).toContain("default-src 'self'")
      expect(policy).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
    }
    for (const path of ['/api/gateways', '/api/proof', '/api/events', '/api/gateways/nobody']) {
      expect((await ask(path)).headers.get('cache-control')).toBe('no-store')
    }
  })

  test('plots a window that was asked rightly, and says what is wrong with any other', async () => {
    const { ask } = statusUnderTest({ sources: { stores: [endlessReadings()] } })
    const plot = (query: string) => ask(`/api/gateways/g1/readings?${query}`)
    const window = 'type=t&sensor=s&from=2026-11-22T00:00:00Z&to=2026-11-22T01:00:00Z'
    const told = (await (await plot(`${window}&points=50`)).json()) as Plot
    expect([told.store, told.readings, told.more]).toEqual(['embedded', 3600, false])
    expect(told.time_ms.length).toBeLessThanOrEqual(50)
    const wrong = [
      window.replace('sensor=s&', ''),
      window.replace('T01', 'X01'),
      window.replace('22T01', '21T01'),
      `${window}&points=1`,
      `${window}&points=1000000`,
    ]
    for (const query of wrong) {
      const answer = await plot(query)
      expect([query, answer.status]).toEqual([query, 400])
      expect(await answer.json()).toMatchObject({ code: 'usage-wrong' })
    }
    for (const path of ['outages', 'requests', 'quarantine']) {
      expect((await ask(`/api/${path}?limit=0`)).status).toBe(400)
      expect((await ask(`/api/${path}?limit=100000`)).status).toBe(400)
    }
  })

  test('stops reading for a plot when the browser is gone', async () => {
    let stopped = false
    const gone = new AbortController()
    const store = {
      name: 'embedded',
      read: async function* (_: object, signal: AbortSignal) {
        gone.abort()
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
        stopped = true
        signal.throwIfAborted()
      },
    }
    const { app } = statusUnderTest({ sources: { stores: [{ name: 'embedded', open: async () => store as never }] } })
    const server = await serveHttp(app as unknown as WebApp, { host: '127.0.0.1', port: 0 })
    const path = '/api/gateways/g1/readings?type=t&sensor=s&from=2026-11-22T00:00:00Z&to=2026-11-22T01:00:00Z'
    const asked = fetch(`http://127.0.0.1:${server.port}${path}`, { signal: gone.signal })
    await expect(asked).rejects.toThrow()
    await vi.waitUntil(() => stopped)
    await server.close(0)
  })

  test('listens to two hundred at most', async () => {
    const { ask, status } = statusUnderTest()
    const answers = await Promise.all(Array.from({ length: 201 }, () => ask('/api/events')))
    expect(answers.filter((answer) => answer.status === 200).length).toBe(200)
    expect(await answers.at(-1)?.json()).toMatchObject({ code: 'listeners-full' })
    status.feed.close()
  })
})
