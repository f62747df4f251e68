/** A server of the page with a made-up fleet behind it: for what no real pipeline shows on demand. */

import { Hono } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { onTestFinished } from 'vitest'
import { pageApp } from '../../infra/http/page.ts'
import { serveHttp, type WebApp } from '../../infra/http/server.ts'
import type {
  AlertRow,
  GatewayRow,
  MirrorRows,
  QuarantineRow,
  RecordingRootRow,
} from '../../services/status/page-api.ts'
import { countsOf, detailOf, fleetOf, iso, plotOf } from './fleet-fixture.ts'

export interface FakePage {
  readonly url: string
  /** Bodies of the posts that were let through, with their paths. */
  readonly posts: readonly (readonly [path: string, body: unknown])[]
  /** Changes rows and tells the listeners. */
  change(...rows: readonly GatewayRow[]): Promise<void>
  /** From now on the API answers 503 with this reason; `undefined` ends that. */
  away(reason: string | undefined): void
  /** Tells the listeners that the ledger is away, with their connections kept; a change ends that. */
  trouble(reason: string): Promise<void>
  /** As if the server had started anew: posts need this token. */
  token(token: string): void
}

export interface FakeOptions {
  readonly rows: readonly GatewayRow[]
  /** Of each gateway. */
  readonly outages?: number
  readonly quarantine?: readonly QuarantineRow[]
  readonly alerts?: readonly AlertRow[]
  readonly roots?: readonly RecordingRootRow[]
  readonly mirror?: Omit<MirrorRows, 'as_of'>
}

const CSP = { 'Content-Security-Policy': "default-src 'self'; frame-ancestors 'none'" }

export async function fakePage({
  rows,
  outages = 3,
  quarantine = [],
  alerts = [],
  roots = [],
  mirror = { told_at: null, runs: false, ends: [], buckets: [] },
}: FakeOptions): Promise<FakePage> {
  const fleet = new Map(rows.map((row) => [row.gateway, row]))
  const listeners = new Set<SSEStreamingApi>()
  const posts: [string, unknown][] = []
  let version = 1
  let reason: string | undefined
  let page = pageApp('first-token')
  let token = 'first-token'
  const app = new Hono()
  app.use(async (context, next) => {
    await next()
    context.res.headers.set('Content-Security-Policy', CSP['Content-Security-Policy'])
  })
  app.get('/', (context) => page.fetch(context.req.raw))
  app.get('/page/*', (context) => page.fetch(context.req.raw))
  app.use('/api/*', async (context, next) => {
    if (reason !== undefined) return context.json({ code: 'ledger-unavailable', reason }, 503)
    return next()
  })
  app.get('/api/gateways', (context) => context.json(fleetOf(fleet, version)))
  app.get('/api/gateways/:id', (context) => {
    const row = fleet.get(context.req.param('id'))
    if (row === undefined) return context.json({ code: 'gateway-unknown', reason: 'nobody has heard of it' }, 404)
    return context.json(detailOf(row, outages))
  })
  app.get('/api/gateways/:id/sensors', (context) =>
    context.json({
      sensors: [
        { type: 'temperature', sensor: 'roof' },
        { type: 'temperature', sensor: 'cellar' },
      ],
    }),
  )
  app.get('/api/gateways/:id/readings', (context) => {
    const { type = '', sensor = '', from = '', to = '' } = context.req.query()
    return context.json(plotOf(type, sensor, Date.parse(from), Date.parse(to)))
  })
  app.get('/api/alerts', (context) => {
    const open = alerts.filter((each) => each.ended_at === null).length
    return context.json({ as_of: iso(Date.now()), open, episodes: alerts })
  })
  app.get('/api/mirror', (context) => context.json({ as_of: iso(Date.now()), ...mirror }))
  app.get('/api/recordings', (context) => context.json({ as_of: iso(Date.now()), roots }))
  app.get('/api/quarantine', (context) => {
    const by_code: Record<string, number> = {}
    for (const { code } of quarantine) by_code[code] = (by_code[code] ?? 0) + 1
    return context.json({ open: quarantine.length, by_code, entries: quarantine })
  })
  app.get('/api/events', (context) =>
    streamSSE(context, async (stream) => {
      await stream.writeSSE({ event: 'fleet', data: JSON.stringify(fleetOf(fleet, version)) })
      listeners.add(stream)
      await new Promise<void>((resolve) => stream.onAbort(resolve))
      listeners.delete(stream)
    }),
  )
  app.post('/api/*', async (context) => {
    if (context.req.header('authorization') !== `Bearer ${token}`) {
      return context.json({ code: 'token-wrong', reason: 'the token is of another start' }, 401)
    }
    posts.push([context.req.path, await context.req.json()])
    return context.json({ ok: true, text: '' })
  })
  const server = await serveHttp(app as unknown as WebApp, { host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close(0))
  return {
    url: `http://127.0.0.1:${server.port}`,
    posts,
    change: async (...changed) => {
      version += 1
      for (const row of changed) fleet.set(row.gateway, row)
      const changes = {
        as_of: iso(Date.now()),
        state: 'open',
        counts: countsOf(fleet.values()),
        version,
        gateways: changed,
      }
      for (const each of listeners) await each.writeSSE({ event: 'changes', data: JSON.stringify(changes) })
    },
    away: (why) => {
      reason = why
      if (why !== undefined) for (const each of listeners) each.abort()
    },
    trouble: async (why) => {
      for (const each of listeners) await each.writeSSE({ event: 'trouble', data: JSON.stringify({ reason: why }) })
    },
    token: (fresh) => {
      token = fresh
      page = pageApp(fresh)
    },
  }
}
