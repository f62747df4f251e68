/** The far side of a gateway's door over HTTP: one kept connection after the other, no retries of its own. */

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { DoorClient, DoorPost, DoorReply } from '../../services/commands/door-client.ts'
import { TidemarkError } from '../../services/core/errors.ts'

interface Call {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const SILENCE_MS = 60_000
const HELD_MS = 2 ** 30
const REPLY_BYTES_MAX = 64_000_000

/** Keeps the process alive until it is disposed. Throws `usage-wrong` for what is not an http or https URL. */
export function httpDoorClient(url: string, token?: string): DoorClient {
  const base = baseOf(url)
  const secure = base.protocol === 'https:'
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
  const call = async ({ method, url: target, headers, body }: Call, signal: AbortSignal): Promise<DoorReply> => {
    signal.throwIfAborted()
    try {
      return await new Promise((resolve, reject) => {
        const length = String(Buffer.byteLength(body))
        const auth = token === undefined ? {} : { Authorization: `Bearer ${token}` }
        const options = {
          method,
          agent,
          signal,
          timeout: SILENCE_MS,
          headers: { ...headers, ...auth, 'Content-Length': length },
        }
        const sent = (secure ? httpsRequest : httpRequest)(target, options, (incoming) => {
          reply(incoming).then(resolve, reject)
        })
        sent.once('timeout', () =>
          sent.destroy(new TidemarkError('door-unavailable', `no answer for ${SILENCE_MS} ms`)),
        )
        sent.once('error', reject)
        sent.end(body)
      })
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw new TidemarkError('door-unavailable', (error as Error).message, { url: base.href }, error)
    }
  }
  // Neither an idle connection nor a sleeping clock keeps a process alive, and a command that paces its sending is only those two.
  const held = setInterval(() => undefined, HELD_MS)
  const target = (path: string): URL => new URL(base.href.replace(/\/$/, '') + path)
  return {
    url: base.href,
    get: (path, signal) => call({ method: 'GET', url: target(path), headers: {}, body: '' }, signal),
    post: ({ path, query, contentType, body }: DoorPost, signal) => {
      const to = target(path)
      for (const [name, value] of Object.entries(query ?? {})) to.searchParams.set(name, value)
      return call({ method: 'POST', url: to, headers: { 'Content-Type': contentType }, body }, signal)
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(held)
      agent.destroy()
    },
  }
}

function baseOf(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol)) return parsed
  throw new TidemarkError('usage-wrong', `expected a URL such as http://127.0.0.1:8080, came ${JSON.stringify(url)}`)
}

async function reply(incoming: IncomingMessage): Promise<DoorReply> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length
    if (size > REPLY_BYTES_MAX) throw new TidemarkError('door-unavailable', 'its answer has no end')
    chunks.push(chunk as Buffer)
  }
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])
  return {
    status: incoming.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks).toString(),
  }
}
