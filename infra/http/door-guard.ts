/** Who may come through a door: the token, and without one no web page of another site. */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isLoopback } from '../../services/core/settings.ts'
import type { Failure } from '../../services/gateway/door-answers.ts'

export type Guard = (headers: IncomingHttpHeaders) => Failure | undefined

const UNAUTHORIZED: Failure = {
  status: 401,
  code: 'token-wrong',
  reason: 'this door needs its token: send Authorization: Bearer TOKEN (or Token TOKEN, or Basic with it as password)',
}
const CROSS_SITE: Failure = {
  status: 403,
  code: 'cross-site',
  reason: 'a web page of another site may not post to a door without a token',
}

/** `Bearer` is the rule, `Token` what clients of InfluxDB 2 send, `Basic` those of InfluxDB 1. */
export function doorGuard(token: string | undefined): Guard {
  if (token === undefined) return (headers) => (isOwnSite(headers) ? undefined : CROSS_SITE)
  const expected = digest(token)
  return (headers) => {
    const given = givenToken(headers.authorization ?? '')
    // Digests have one length, so the time of the comparison says nothing about the token.
    return given !== undefined && timingSafeEqual(digest(given), expected) ? undefined : UNAUTHORIZED
  }
}

function givenToken(authorization: string): string | undefined {
  const [, scheme = '', value = ''] = /^(\w+) +(.+)$/.exec(authorization) ?? []
  if (/^(bearer|token)$/i.test(scheme)) return value.trim()
  if (!/^basic$/i.test(scheme)) return undefined
  const text = Buffer.from(value, 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}

/** Browsers name the page's origin on every POST; programs don't. */
function isOwnSite({ origin, host }: IncomingHttpHeaders): boolean {
  if (origin === undefined) return true
  const page = URL.canParse(origin) ? new URL(origin) : undefined
  // A name that someone else's DNS leads to this machine is another site too.
  return page !== undefined && page.host === host && isLoopback(page.hostname.replace(/^\[|\]$/g, ''))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
