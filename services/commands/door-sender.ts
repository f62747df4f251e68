/** Sends batches through a gateway's door until they are answered. Another try is always safe: the identity removes duplicates. */

import { delayMs } from '../core/delay.ts'
import { codeOf, TidemarkError } from '../core/errors.ts'
import type { DoorClient, DoorPost, DoorReply, SendContext } from './door-client.ts'

/** `json`: each text is one reading. `lines`: each text is one line of line protocol. */
export interface Batch {
  readonly kind: 'json' | 'lines'
  readonly texts: readonly string[]
  /** Of the request: gateway, precision. */
  readonly query: Readonly<Record<string, string>>
}

export interface Refused {
  /** Which text of the batch. */
  readonly index: number
  readonly code: string
  readonly reason: string
}

export interface Sent {
  readonly accepted: number
  readonly duplicates: number
  readonly refused: readonly Refused[]
}

export interface DoorSender {
  /** Throws `not-running` when nothing answers for a minute (ten seconds at first), `usage-wrong` when the door turns the sender away. */
  send(batch: Batch): Promise<Sent>
}

const FIRST_PATIENCE_MS = 10_000
const PATIENCE_MS = 60_000

export function doorSender(client: DoorClient, context: SendContext): DoorSender {
  const { clock, random, signal } = context
  let reached = false
  const failing = { sinceMs: undefined as number | undefined, attempt: 0, said: '' }

  /** Waits as long as the door says, or a growing while; gives up when the door promises nothing for too long. */
  const wait = async (reason: string, retryAfterS: number | undefined): Promise<void> => {
    const nowMs = clock.monotonicMs()
    failing.sinceMs ??= nowMs
    failing.attempt++
    if (failing.said !== reason) context.note(`${client.url}: ${reason}; trying again\n`)
    failing.said = reason
    // A door that names a time, as with a full journal, is alive: it is waited for without end.
    if (retryAfterS === undefined && nowMs - failing.sinceMs > (reached ? PATIENCE_MS : FIRST_PATIENCE_MS)) {
      throw new TidemarkError(
        'not-running',
        `${client.url}: ${reason}; start it with 'tidemark up', then run this again`,
      )
    }
    const ms =
      retryAfterS === undefined
        ? delayMs(failing.attempt, { firstMs: 200, maxMs: 5_000, chance: random.next() })
        : retryAfterS * 1_000
    await clock.sleep(ms, signal)
  }

  const answered = async (post: DoorPost): Promise<DoorReply> => {
    for (;;) {
      const reply = await attempt(client, post, signal)
      if (typeof reply === 'string') await wait(reply, undefined)
      else if (reply.status === 429 || reply.status >= 500) await wait(reasonOf(reply), retryAfterS(reply))
      else {
        reached = true
        Object.assign(failing, { sinceMs: undefined, attempt: 0, said: '' })
        return reply
      }
    }
  }

  const send = async (batch: Batch): Promise<Sent> => {
    const reply = await answered(postOf(batch))
    return reply.status === 413 ? inHalves(batch, reply, send) : read(reply, batch)
  }
  return { send }
}

/** The reply, or why there was none. */
async function attempt(client: DoorClient, post: DoorPost, signal: AbortSignal): Promise<DoorReply | string> {
  try {
    return await client.post(post, signal)
  } catch (error) {
    if (codeOf(error) !== 'door-unavailable') throw error
    return error instanceof Error ? error.message : String(error)
  }
}

function postOf({ kind, texts, query }: Batch): DoorPost {
  return kind === 'json'
    ? { path: '/readings', query, contentType: 'application/json', body: `[${texts.join(',')}]` }
    : { path: '/api/v2/write', query, contentType: 'text/plain; charset=utf-8', body: texts.join('\n') }
}

async function inHalves(batch: Batch, reply: DoorReply, send: (batch: Batch) => Promise<Sent>): Promise<Sent> {
  if (batch.texts.length <= 1) {
    return { accepted: 0, duplicates: 0, refused: [{ index: 0, code: 'body-too-large', reason: reasonOf(reply) }] }
  }
  const half = Math.ceil(batch.texts.length / 2)
  const first = await send({ ...batch, texts: batch.texts.slice(0, half) })
  const second = await send({ ...batch, texts: batch.texts.slice(half) })
  return {
    accepted: first.accepted + second.accepted,
    duplicates: first.duplicates + second.duplicates,
    refused: [...first.refused, ...second.refused.map((refused) => ({ ...refused, index: refused.index + half }))],
  }
}

function read(reply: DoorReply, batch: Batch): Sent {
  const body = parsed(reply.body)
  if (batch.kind === 'lines' && (reply.status === 204 || Array.isArray(body.rejected))) {
    return {
      accepted: Number(reply.headers['x-tidemark-accepted'] ?? 0),
      duplicates: Number(reply.headers['x-tidemark-duplicates'] ?? 0),
      refused: byText(batch.texts, listOf(body.rejected)),
    }
  }
  if (batch.kind === 'json' && (reply.status === 200 || reply.status === 422) && Array.isArray(body.rejected)) {
    return {
      accepted: Number(body.accepted),
      duplicates: Number(body.duplicates),
      refused: listOf(body.rejected) as Refused[],
    }
  }
  if (reply.status === 401) throw new TidemarkError('usage-wrong', 'the door wants its token: set TIDEMARK_HTTP_TOKEN')
  throw new TidemarkError('usage-wrong', `the door answered ${reply.status}: ${reasonOf(reply)}`)
}

/** A text with line feeds in it takes several lines of the body. */
function byText(texts: readonly string[], rejected: readonly unknown[]): readonly Refused[] {
  if (rejected.length === 0) return []
  const indexOfLine = new Map<number, number>()
  let line = 1
  texts.forEach((text, index) => {
    indexOfLine.set(line, index)
    line += text.split('\n').length
  })
  return (rejected as readonly { line: number; code: string; reason: string }[]).map((refused) => ({
    index: indexOfLine.get(refused.line) ?? 0,
    code: refused.code,
    reason: refused.reason,
  }))
}

function reasonOf(reply: DoorReply): string {
  const { reason, message } = parsed(reply.body)
  if (typeof reason === 'string') return reason
  return typeof message === 'string' ? message : `status ${reply.status}`
}

function retryAfterS(reply: DoorReply): number | undefined {
  const seconds = Number(reply.headers['retry-after'])
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 60) : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
