/** Asks a Confluent-compatible registry over HTTP, and tells what it does not know from what went wrong. */

import { TidemarkError } from '../../services/core/errors.ts'

export interface RegistryClientOptions {
  /** A path is kept, as in Apicurio's `/apis/ccompat/v7`; so are a user and password in it, where no others are given. */
  readonly url: string
  readonly username?: string
  readonly password?: string
}

export interface Answer {
  readonly status: number
  readonly ok: boolean
  /** The registry itself says that there is no such subject, version or schema. A 404 of anything else on the way is none of that. */
  readonly isUnknown: boolean
  /** What the registry says of an error, else empty. */
  readonly message: string
  /** An object or list; `{}` for what is not JSON. */
  readonly body: object
}

const TIMEOUT_MS = 10_000
const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'
const AWAY = 'expected a registry there; check REGISTRY, and that it runs'
/** By what the operating system or TLS says: which setting is wrong. */
const WRONG: readonly (readonly [RegExp, string])[] = [
  [/ENOTFOUND/, 'expected a host name that resolves; check REGISTRY'],
  [
    /CERT|certificate/i,
    'expected a certificate of this host that Node trusts; check REGISTRY, or name its authority in NODE_EXTRA_CA_CERTS',
  ],
  [/SSL routines|EPROTO/, 'expected TLS there; if it is a plain port, begin REGISTRY with http:'],
]
/** Subject, version or schema not found. */
const UNKNOWN_CODES = new Set([40401, 40402, 40403])

export class RegistryClient {
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #closing = new AbortController()

  constructor({ url, username, password }: RegistryClientOptions) {
    const parts = new URL(url)
    this.#base = `${parts.protocol}//${parts.host}${parts.pathname.replace(/\/+$/, '')}`
    const user = username ?? decodeURIComponent(parts.username)
    const pass = password ?? decodeURIComponent(parts.password)
    const basic = Buffer.from(`${user}:${pass}`).toString('base64')
    this.#headers = {
      accept: `${MEDIA_TYPE}, application/json`,
      'content-type': MEDIA_TYPE,
      ...(user === '' ? {} : { authorization: `Basic ${basic}` }),
    }
  }

  /** Rejects with `registry-unavailable` when no answer comes, `registry-misconfigured` where the reason is its address or its certificate. */
  async ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    this.#closing.signal.throwIfAborted()
    const stop = new AbortController()
    const abort = (): void => stop.abort(this.#closing.signal.reason)
    this.#closing.signal.addEventListener('abort', abort, { once: true })
    const timer = setTimeout(
      () => stop.abort(this.#unavailable(`nothing in ${TIMEOUT_MS / 1000} s; ${AWAY}`)),
      TIMEOUT_MS,
    )
    try {
      const response = await fetch(this.#base + path, {
        method,
        headers: this.#headers,
        signal: stop.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return answerOf(response.status, response.ok, await response.text())
    } catch (error) {
      stop.signal.throwIfAborted()
      const cause = causeOf(error)
      const fix = WRONG.find(([pattern]) => pattern.test(cause))?.[1]
      throw fix === undefined
        ? this.#unavailable(`${cause}; ${AWAY}`, error)
        : this.#misconfigured(`${cause}; ${fix}`, {}, error)
    } finally {
      clearTimeout(timer)
      this.#closing.signal.removeEventListener('abort', abort)
    }
  }

  /** For an answer that is an error, and none that the caller knows what to do with. */
  failure(answer: Answer): TidemarkError {
    const { status, message } = answer
    if (status === 404) return this.noRegistry(answer)
    const said = `it answers ${status}${message === '' ? '' : ` (${message})`}`
    if (status !== 401 && status !== 403) return this.#unavailable(said, undefined, { status })
    return this.#misconfigured(`${said}: check REGISTRY_USERNAME, REGISTRY_PASSWORD and their rights`, { status })
  }

  noRegistry({ status }: Answer): TidemarkError {
    const what = `its answer (${status}) is not one of a schema registry: check REGISTRY and its path`
    return this.#misconfigured(what, { status })
  }

  /** What waits for an answer rejects with `closed`. */
  close(): void {
    this.#closing.abort(new TidemarkError('closed', `the registry at ${this.#base}`))
  }

  #unavailable(detail: string, cause?: unknown, facts: Readonly<Record<string, unknown>> = {}): TidemarkError {
    return new TidemarkError('registry-unavailable', `${this.#base}: ${detail}`, facts, cause)
  }

  #misconfigured(detail: string, facts: Readonly<Record<string, unknown>>, cause?: unknown): TidemarkError {
    return new TidemarkError('registry-misconfigured', `${this.#base}: ${detail}`, facts, cause)
  }
}

function answerOf(status: number, ok: boolean, text: string): Answer {
  const body = objectIn(text)
  const { error_code: code, message } = body as { readonly error_code?: unknown; readonly message?: unknown }
  const isUnknown = status === 404 && typeof code === 'number' && UNKNOWN_CODES.has(code)
  return { status, ok, isUnknown, message: typeof message === 'string' ? message.slice(0, 1000) : '', body }
}

function objectIn(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** `fetch failed` says nothing; the reason is beneath. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return String(cause)
  return 'code' in cause && typeof cause.code === 'string' ? `${cause.message} (${cause.code})` : cause.message
}
