/** The page and what it asks: proof, gateways, and the switch of a link. */

import type { HttpBindings } from '@hono/node-server'
import { Hono, type MiddlewareHandler } from 'hono'
import { z } from 'zod'
import type { Proof } from '../../services/commands/proof.ts'
import { codeOf } from '../../services/core/errors.ts'
import { isLoopback } from '../../services/core/settings.ts'
import { doorGuard } from './door-guard.ts'
import { pageHtml } from './page.ts'

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

function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}

const LINK = z.object({ cut: z.boolean() })

export function statusApp(options: StatusOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const mayRead = doorGuard(options.httpToken)
  const mayPost = doorGuard(options.pageToken)
  // A name that somebody else's DNS points at this machine would let their page read the token of ours.
  const onlyHere: MiddlewareHandler = async (context, next) => {
    const host = context.req.header('host')
    if (options.httpToken !== undefined || host === undefined || isLoopback(hostnameOf(host))) return next()
    const reason = `this address answers as localhost or 127.0.0.1 only, came ${host}; set HTTP_TOKEN to use another name`
    return context.json({ code: 'host-wrong', reason }, 403)
  }
  app.use('/', onlyHere)
  app.use('/api/proof', onlyHere)
  app.use('/api/gateways', onlyHere)
  app.use('/api/link/*', onlyHere)
  for (const path of ['/', '/api/proof', '/api/gateways']) {
    app.get(path, async (context, next) => {
      const refused = mayRead(context.env.incoming.headers)
      if (refused === undefined) return next()
      return context.json(refused, 401, { 'WWW-Authenticate': 'Basic realm="tidemark, the password is HTTP_TOKEN"' })
    })
  }
  app.get('/', (context) => context.html(pageHtml(options.pageToken)))
  app.get('/api/proof', async (context) => {
    try {
      return context.json(await options.proof(context.req.query('gateway')))
    } catch (error) {
      if (codeOf(error) !== 'usage-wrong') throw error
      return context.json({ code: 'gateway-unknown', reason: (error as Error).message }, 404)
    }
  })
  app.get('/api/gateways', async (context) => {
    const proof = await options.proof()
    const hosted = new Map(options.hosted().map((each) => [each.gateway, each]))
    const gateways = proof.gateways.map(({ epochs: _, outages: __, ...each }) => ({
      ...each,
      journal: '',
      ...hosted.get(each.gateway),
    }))
    return context.json({ ...proof, gateways })
  })
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
