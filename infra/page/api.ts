/** Asks the server and tells it what to do; a token that has expired is fetched anew, once. */

import type { NotDone } from '../../services/status/page-api.ts'

/** What the server refused, or why it could not be asked, in words for people. */
export class Refused extends Error {
  override readonly name = 'Refused'
  /** 0 where nothing answered. */
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, reason: string) {
    super(reason)
    this.status = status
    this.code = code
  }
}

export async function getJson<T>(path: string, signal: AbortSignal): Promise<T> {
  return (await answered(path, { signal })) as T
}

/** What the server says it did. */
export async function post(path: string, body: object): Promise<string> {
  try {
    return textOf(await send(path, body))
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error
    const isOld = await renewToken()
    const text = textOf(await send(path, body))
    // It was done; the files of the page are those of the server before.
    if (isOld) location.reload()
    return text
  }
}

function send(path: string, body: object): Promise<unknown> {
  return answered(path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${meta(document, 'tidemark-token')}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** Each start of the server has its own token. Resolves with whether its files are others, too. */
export async function renewToken(): Promise<boolean> {
  const answer = await reached('/', {})
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const token = meta(fresh, 'tidemark-token')
  if (!answer.ok || token === '')
    throw new Refused(answer.status, 'token-wrong', 'the page has no right to do that any more; load it again')
  document.querySelector('meta[name=tidemark-token]')?.setAttribute('content', token)
  return meta(fresh, 'tidemark-build') !== meta(document, 'tidemark-build')
}

function meta(of: Document, name: string): string {
  return of.querySelector<HTMLMetaElement>(`meta[name=${name}]`)?.content ?? ''
}

async function answered(path: string, init: RequestInit): Promise<unknown> {
  const answer = await reached(path, init)
  const body: unknown = await answer.json().catch(() => undefined)
  if (answer.ok) return body
  const { code, reason } = (body ?? {}) as Partial<NotDone>
  throw new Refused(answer.status, code ?? 'answer-wrong', reason ?? `the server answered ${answer.status}`)
}

async function reached(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { cache: 'no-store', ...init })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Refused(0, 'server-away', 'the server does not answer; is it running?')
  }
}

function textOf(body: unknown): string {
  const { text } = (body ?? {}) as { text?: unknown }
  return typeof text === 'string' ? text.trim() : ''
}
