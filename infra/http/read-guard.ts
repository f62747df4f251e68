/** Who may read over HTTP: whoever brings the token of the settings; without one, only who is on this machine and calls it by its name. */

import type { HttpBindings } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'
import { isLoopback } from '../../services/core/settings.ts'
import { doorGuard } from './door-guard.ts'

type Guarding = MiddlewareHandler<{ Bindings: HttpBindings }>

/** A name that somebody else's DNS points at this machine would let their page read what is here. */
export function onlyHere(httpToken: string | undefined): Guarding {
  return async (context, next) => {
    const host = context.req.header('host')
    if (httpToken !== undefined || host === undefined || isLoopback(hostnameOf(host))) return next()
    const reason = `this address answers as localhost or 127.0.0.1 only, came ${host}; set HTTP_TOKEN to use another name`
    return context.json({ code: 'host-wrong', reason }, 403)
  }
}

/** As a bearer, or as the password of a browser's sign-in. */
export function withToken(httpToken: string | undefined): Guarding {
  const guard = doorGuard(httpToken)
  return async (context, next) => {
    const refused = guard(context.env.incoming.headers)
    if (refused === undefined) return next()
    return context.json(refused, 401, { 'WWW-Authenticate': 'Basic realm="tidemark, the password is HTTP_TOKEN"' })
  }
}

function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}
