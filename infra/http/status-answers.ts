/** How what went wrong is told to the page: a status that says whether to try again, and the reason in words. */

import type { Context } from 'hono'
import { TidemarkError } from '../../services/core/errors.ts'

/** `wrong` is the status of what was asked wrongly. Throws on what only a bug brings about. */
export function refusalOf(context: Context, error: unknown, wrong: 400 | 404): Response {
  if (context.req.raw.signal.aborted) return context.json({ code: 'interrupted', reason: 'nobody waits for it' }, 503)
  if (!(error instanceof TidemarkError) || error.code === 'bug') throw error
  const { code, message: reason } = error
  if (code === 'usage-wrong') return context.json({ code: wrong === 404 ? 'gateway-unknown' : code, reason }, wrong)
  return context.json({ code, reason }, 503)
}
