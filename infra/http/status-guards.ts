/** What every answer of the page's server says to a browser, and who may ask and change what. */

import type { HttpBindings } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'
import { doorGuard } from './door-guard.ts'

export type PageHandler = MiddlewareHandler<{ Bindings: HttpBindings }>

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

export const withPageHeaders: PageHandler = async (context, next) => {
  await next()
  for (const [name, value] of Object.entries(HEADERS)) context.res.headers.set(name, value)
  if (context.req.path.startsWith('/api/')) context.res.headers.set('Cache-Control', 'no-store')
}

/** A POST must bring the token that the page got with this start. */
export function withPageToken(pageToken: string): PageHandler {
  const guard = doorGuard(pageToken)
  return async (context, next) => {
    const refused = guard(context.env.incoming.headers)
    if (refused === undefined) return next()
    const reason = 'expected the token that this start gave its page; came another or none: load the page again'
    return context.json({ code: refused.code, reason }, 401)
  }
}
