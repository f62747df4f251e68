/** The page and what it asks: proof, gateways, and the switch of a link. */

import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { Proof } from '../../services/commands/proof.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { doorGuard } from './door-guard.ts'
import { pageHtml } from './page.ts'
import { onlyHere, withToken } from './read-guard.ts'

export interface StatusOptions {
  /** Of the settings: then reading needs it too, as the password of a browser's sign-in or as a bearer. */
  readonly httpToken?: string | undefined
  /** Of this start: what a POST must bring. */
  readonly pageToken: string
  proof(gateway?: string): Promise<Proof>
  /** What this process hosts beside the proof. */
  hosted(): readonly { readonly gateway: string; readonly cut: boolean; readonly journal: number }[]
  setLink(gateway: string, cut: boolean): void
}

const LINK = z.object({ cut: z.boolean() })

export function statusApp(options: StatusOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const mayPost = doorGuard(options.pageToken)
  for (const path of ['/', '/api/proof', '/api/gateways', '/api/link/*']) app.use(path, onlyHere(options.httpToken))
  for (const path of ['/', '/api/proof', '/api/gateways']) app.get(path, withToken(options.httpToken))
  app.get('/', (context) => context.html(pageHtml(options.pageToken)))
  app.get('/api/proof', (context) => answered(context, () => options.proof(context.req.query('gateway'))))
  app.get('/api/gateways', (context) => answered(context, () => gatewaysOf(options)))
  app.post('/api/link/:gateway', async (context) => {
    const refused = mayPost(context.env.incoming.headers)
    if (refused !== undefined) return context.json({ code: refused.code, reason: refused.reason }, 401)
    const body = LINK.safeParse(await context.req.json().catch(() => undefined))
    if (!body.success)
      return context.json({ code: 'usage-wrong', reason: 'expected {"cut": true} or {"cut": false}' }, 400)
    const gateway = context.req.param('gateway')
    if (!options.hosted().some((each) => each.gateway === gateway)) {
      return context.json({ code: 'gateway-unknown', reason: `no gateway ${gateway} runs here` }, 404)
    }
    options.setLink(gateway, body.data.cut)
    return context.json({ gateway, cut: body.data.cut })
  })
  return app
}

async function gatewaysOf(options: StatusOptions) {
  const proof = await options.proof()
  const hosted = new Map(options.hosted().map((each) => [each.gateway, each]))
  const gateways = proof.gateways.map(({ epochs: _, outages: __, ...each }) => ({
    ...each,
    journal: '',
    ...hosted.get(each.gateway),
  }))
  return { ...proof, gateways }
}

/** 404 for a gateway nobody has heard of, 503 while the ledger is away. */
async function answered(context: Context, work: () => Promise<object>): Promise<Response> {
  try {
    return context.json(await work())
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error
    if (error.code === 'usage-wrong') return context.json({ code: 'gateway-unknown', reason: error.message }, 404)
    if (!error.retryable) throw error
    return context.json({ code: error.code, reason: error.message }, 503)
  }
}
