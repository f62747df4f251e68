/** The page and what it asks: the fleet as it is and as it changes, each gateway, its readings, the quarantine; and what it may change. */

import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { parseInstant } from '../../schemas/time.ts'
import type { Proof } from '../../services/commands/proof.ts'
import type { Status } from '../../services/status/status.ts'
import { pageApp } from './page.ts'
import { onlyHere, withToken } from './read-guard.ts'
import { type ActionOptions, statusActions } from './status-actions.ts'
import { refusalOf } from './status-answers.ts'
import { eventStream } from './status-events.ts'
import { withPageHeaders, withPageToken } from './status-guards.ts'

export interface StatusOptions extends Pick<ActionOptions, 'act'> {
  /** Of the settings: then reading needs it too, as the password of a browser's sign-in or as a bearer. */
  readonly httpToken?: string | undefined
  /** Of this start: what a POST must bring. */
  readonly pageToken: string
  readonly status: Status
  proof(gateway?: string): Promise<Proof>
}

/** Other apps of the same server have paths below `/api` too. */
const READ = [
  '/',
  '/page/*',
  '/api/proof',
  '/api/gateways',
  '/api/gateways/*',
  '/api/outages',
  '/api/requests',
  '/api/quarantine',
  '/api/alerts',
  '/api/recordings',
  '/api/mirror',
  '/api/events',
]
const CHANGED = ['/api/link/*', '/api/recover', '/api/replay', '/api/writeoff', '/api/quarantine/*']

const LIMIT = z.coerce.number().int().min(1).max(1000).default(100)
const INSTANT = z.string().transform((text, check) => {
  const instant = parseInstant(text)
  if (!('reason' in instant)) return instant.ms
  check.addIssue({ code: 'custom', message: instant.reason })
  return z.NEVER
})
const WINDOW = z
  .object({
    type: z.string().min(1),
    sensor: z.string().min(1),
    from: INSTANT,
    to: INSTANT,
    points: z.coerce.number().int().min(2).max(5000).default(1000),
  })
  .refine(({ from, to }) => to > from, 'expected to after from')

type App = Hono<{ Bindings: HttpBindings }>

export function statusApp(options: StatusOptions): App {
  const { httpToken, pageToken, status } = options
  const app: App = new Hono()
  for (const path of [...READ, ...CHANGED]) app.use(path, withPageHeaders, onlyHere(httpToken))
  for (const path of READ) app.get(path, withToken(httpToken))
  for (const path of CHANGED) app.post(path, withPageToken(pageToken))
  app.route('/', pageApp(pageToken))
  app.get('/api/proof', (context) => answered(context, () => options.proof(context.req.query('gateway'))))
  app.get('/api/gateways', (context) => answered(context, () => status.fleetJson()))
  app.get('/api/events', (context) => {
    if (!status.feed.isFull) return eventStream(status.feed, () => context.env.outgoing.destroy())
    return context.json({ code: 'listeners-full', reason: 'as many listen as this process serves: try again' }, 503)
  })
  routeGateways(app, status)
  routeLists(app, status)
  app.route('/', statusActions({ hosts: (gateway) => status.hosts(gateway), act: options.act }))
  return app
}

function routeGateways(app: App, status: Status): void {
  app.get('/api/gateways/:id', async (context) => {
    const id = context.req.param('id')
    return answered(context, async () => (await status.gateway(id)) ?? unknown(context, id))
  })
  app.get('/api/gateways/:id/sensors', (context) =>
    answered(context, () => status.sensors(context.req.param('id'), context.req.raw.signal)),
  )
  app.get('/api/gateways/:id/readings', (context) => {
    const asked = WINDOW.safeParse(context.req.query())
    if (!asked.success) return wrongly(context, asked.error)
    const { from: fromMs, to: toMs, ...rest } = asked.data
    const question = { gateway: context.req.param('id'), fromMs, toMs, ...rest }
    return answered(context, () => status.plot(question, context.req.raw.signal))
  })
}

function routeLists(app: App, status: Status): void {
  const list = (path: string, ask: (limit: number, signal: AbortSignal) => Promise<object>): void => {
    app.get(path, (context) => {
      const limit = LIMIT.safeParse(context.req.query('limit'))
      if (!limit.success) return wrongly(context, limit.error)
      return answered(context, () => ask(limit.data, context.req.raw.signal))
    })
  }
  list('/api/outages', (limit, signal) => status.outages(limit, signal))
  list('/api/requests', (limit) => status.requests(limit))
  list('/api/quarantine', (limit) => status.quarantine(limit))
  list('/api/alerts', (limit) => status.alerts(limit))
  list('/api/recordings', () => status.recordings())
  list('/api/mirror', () => status.mirror())
}

/** A text is JSON already. */
async function answered(context: Context, work: () => Promise<object | string>): Promise<Response> {
  try {
    const answer = await work()
    if (answer instanceof Response) return answer
    if (typeof answer !== 'string') return context.json(answer)
    return context.body(answer, 200, { 'Content-Type': 'application/json' })
  } catch (error) {
    return refusalOf(context, error, 404)
  }
}

function unknown(context: Context, id: string): Response {
  return context.json({ code: 'gateway-unknown', reason: `neither the ledger nor this process knows ${id}` }, 404)
}

function wrongly(context: Context, error: z.ZodError): Response {
  return context.json({ code: 'usage-wrong', reason: z.prettifyError(error) }, 400)
}
