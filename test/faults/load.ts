/** Clients under load: they send, note every answer, send again what stayed unanswered, and repeat some of what was taken. */

import type { Offered } from '../checker/history.ts'
import type { Chance } from './chance.ts'
import { type ClientRequest, type RequestRules, RequestSource } from './requests.ts'
import { pause } from './up.ts'

export interface LoadRules extends RequestRules {
  /** Clients that send at the same time. */
  readonly senders: number
  /** A client rests so long between two requests. */
  readonly restMs: number
  readonly timeoutMs: number
}

export interface LoadCounts {
  requests: number
  offered: number
  ok: number
  refused: number
  unknown: number
  /** Removed by the door: readings of requests that were sent again, and taken before. */
  duplicates: number
  /** Answers 503 and 507: the gateway had no room, or said that it could not keep the reading. */
  noRoom: number
}

/** A request that was answered with success, by the wall clock of this machine. */
export interface Taken {
  readonly gateway: string
  readonly sentMs: number
  readonly readings: number
}

interface Answer {
  readonly status: number
  readonly accepted: number
  readonly duplicates: number
  readonly refusedAt: ReadonlySet<number>
}

/** Of these requests a client forgets the outcome: they stay unknown. */
const GIVEN_UP = 0.02
const REPEATED = 0.12
const REMEMBERED = 500

export class Load {
  readonly #rules: LoadRules
  readonly #chance: Chance
  readonly #source: RequestSource
  readonly #url: () => string | undefined
  readonly #unanswered: ClientRequest[] = []
  readonly #taken: ClientRequest[] = []
  #stopping = false
  #sending: Promise<void>[] = []
  readonly offered: Offered[] = []
  /** The newest answers of success. */
  readonly answers: Taken[] = []
  /** Broken promises that show in an answer already. */
  readonly faults: string[] = []
  readonly counts: LoadCounts = { requests: 0, offered: 0, ok: 0, refused: 0, unknown: 0, duplicates: 0, noRoom: 0 }

  /** `url` is where the gateway answers now, undefined while nothing runs. */
  constructor(rules: LoadRules, chance: Chance, url: () => string | undefined) {
    this.#rules = rules
    this.#chance = chance
    this.#source = new RequestSource(rules, chance.split('requests'))
    this.#url = url
  }

  start(): void {
    this.#stopping = false
    this.#sending = Array.from({ length: this.#rules.senders }, (_, i) => this.#send(this.#chance.split(`sender ${i}`)))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#sending)
  }

  /** Sends what stayed unanswered until it has an answer. Gives how many requests are left. */
  async flush(ms: number): Promise<number> {
    for (const endMs = performance.now() + ms; performance.now() < endMs; ) {
      const request = this.#unanswered.shift()
      if (request === undefined) return 0
      if (!(await this.#offer(request))) await pause(50)
    }
    return this.#unanswered.length
  }

  async #send(chance: Chance): Promise<void> {
    while (!this.#stopping) {
      const answered = await this.#offer(this.#choose(chance))
      await pause(answered ? this.#rules.restMs * (0.5 + chance.next()) : 30)
    }
  }

  #choose(chance: Chance): ClientRequest {
    const waiting = this.#unanswered.shift()
    if (waiting !== undefined) return waiting
    const old = chance.next() < REPEATED ? this.#taken[chance.between(0, this.#taken.length - 1)] : undefined
    return old ?? this.#source.next()
  }

  /** Whether an answer came that says what became of the readings. */
  async #offer(request: ClientRequest): Promise<boolean> {
    const url = this.#url()
    if (url === undefined) {
      this.#unanswered.unshift(request)
      return false
    }
    const sentMs = Date.now()
    const answer = await this.#post(url, request)
    this.counts.requests += 1
    const known = answer !== undefined && answer.status < 500
    for (const [i, content] of request.readings.entries()) {
      const outcome = !known ? 'unknown' : answer.status >= 400 || answer.refusedAt.has(i) ? 'refused' : 'ok'
      this.counts.offered += 1
      this.counts[outcome] += 1
      this.offered.push({ ...content, outcome, at: performance.now() })
    }
    if (!known) {
      if (answer !== undefined) this.counts.noRoom += 1
      if (this.#chance.next() >= GIVEN_UP) this.#unanswered.push(request)
      return false
    }
    if (answer.status < 300) this.#noteTaken(request, answer, sentMs)
    return true
  }

  #noteTaken(request: ClientRequest, answer: Answer, sentMs: number): void {
    this.counts.duplicates += answer.duplicates
    const gateway = request.readings[0]?.gateway ?? ''
    this.answers.push({ gateway, sentMs, readings: request.readings.length })
    if (this.answers.length > 10 * REMEMBERED) this.answers.splice(0, 5 * REMEMBERED)
    const keyed = request.headers['Idempotency-Key'] !== undefined
    if (this.#taken.includes(request) && answer.accepted > 0 && !keyed) {
      this.faults.push(`${answer.accepted} readings were accepted a second time: ${request.body.slice(0, 200)}`)
    }
    if (this.#taken.includes(request)) return
    this.#taken.push(request)
    if (this.#taken.length > REMEMBERED) this.#taken.splice(this.#chance.between(0, REMEMBERED - 1), 1)
  }

  async #post(url: string, { path, headers, body }: ClientRequest): Promise<Answer | undefined> {
    try {
      const signal = AbortSignal.timeout(this.#rules.timeoutMs)
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body, signal })
      const text = await response.text()
      return answerOf(response, text)
    } catch {
      return undefined
    }
  }
}

function answerOf(response: Response, text: string): Answer {
  const { status } = response
  if (status === 204 || response.headers.has('X-Tidemark-Accepted')) {
    const number = (name: string): number => Number(response.headers.get(name) ?? 0)
    return {
      status,
      accepted: number('X-Tidemark-Accepted'),
      duplicates: number('X-Tidemark-Duplicates'),
      refusedAt: new Set(),
    }
  }
  if (status !== 200) return { status, accepted: 0, duplicates: 0, refusedAt: new Set() }
  const { accepted, duplicates, rejected } = JSON.parse(text) as {
    accepted: number
    duplicates: number
    rejected: readonly { index: number }[]
  }
  return { status, accepted, duplicates, refusedAt: new Set(rejected.map(({ index }) => index)) }
}
