/** One POST of JSON to a channel, in bounded time; what came back becomes one of two errors. */

import { TidemarkError } from '../../services/core/errors.ts'

const ANSWER_MS = 10_000
const SHOWN = 200

/** `url` may hold a secret: errors name its host alone. */
export async function postJson(url: string, body: unknown, signal: AbortSignal): Promise<void> {
  const { host } = new URL(url)
  const answer = await fetch(url, {
    method: 'POST',
    // Followed, a POST would become a GET.
    redirect: 'manual',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  }).catch((error: unknown) => {
    throw new TidemarkError('alert-unavailable', `${host}: ${reasonOf(error)}`)
  })
  const text = await answer.text().catch(() => '')
  if (answer.ok) return
  const said = `${host} answers ${answer.status}${text === '' ? '' : `: ${text.slice(0, SHOWN)}`}`
  if (answer.status >= 500 || answer.status === 408 || answer.status === 429) {
    throw new TidemarkError('alert-unavailable', said, retryAfter(answer))
  }
  throw new TidemarkError('alert-refused', `${said}; check the settings that begin with ALERT_`)
}

/** Of fetch, the reason stands in the cause; its own message may hold the address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no connection'
  if (error.name === 'TimeoutError') return `no answer within ${ANSWER_MS / 1000} s`
  const { cause } = error
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'the connection failed'
}

function retryAfter(answer: Response): { readonly retryAfterMs?: number } {
  const seconds = Number(answer.headers.get('Retry-After'))
  return Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: Math.min(seconds, 3_600) * 1_000 } : {}
}
