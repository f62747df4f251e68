/** What a fleet of clients sends: seeded requests of several kinds, every reading with a value that no other has. */

import { nanosOf, valuesText } from '../checker/export-lines.ts'
import type { Offered } from '../checker/history.ts'
import type { Chance } from './chance.ts'

export type Content = Omit<Offered, 'outcome' | 'at'>

/** One request as it goes over the wire, and what is in it. Sent again it is the same to the byte. */
export interface ClientRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly readings: readonly Content[]
}

export interface RequestRules {
  readonly gateways: readonly [string, ...string[]]
  readonly sensors: number
  readonly readingsMax: number
  /** Readings without a time, under an Idempotency-Key. */
  readonly untimed: boolean
  /** Marks the sensors of this client, so that two of them do not speak of the same. */
  readonly client: string
}

type Reading = Readonly<{ type: string; sensor: string; time?: string; values: Record<string, number | string> }>

/** The value by which a reading is known again. */
export const UNIQUE_FIELD = 'temperature'
const FIRST_MS = Date.UTC(2026, 9, 1)
/** At most so many readings of a client share an instant with the one before, because the checker looks at each pair. */
const SHARED_MAX = 200
const KINDS = ['json', 'json', 'json', 'lines', 'undeclared', 'faulty', 'shared'] as const

export class RequestSource {
  readonly #rules: RequestRules
  readonly #chance: Chance
  #made = 0
  #shared = 0

  constructor(rules: RequestRules, chance: Chance) {
    this.#rules = rules
    this.#chance = chance
  }

  next(): ClientRequest {
    const { gateways, readingsMax, untimed } = this.#rules
    const gateway = this.#chance.pick(gateways)
    const count = this.#chance.between(1, readingsMax)
    if (untimed && this.#chance.next() < 0.1) return this.#untimed(gateway, Math.min(count, 5))
    const kind = this.#chance.pick(KINDS)
    if (kind === 'lines') return this.#lines(gateway, count)
    const readings = Array.from({ length: count }, (_, i) => this.#reading(kind, i))
    if (kind === 'shared' && this.#shared < SHARED_MAX) {
      this.#shared += 1
      const { sensor, time = '' } = readings[0] as Reading
      readings.push({ ...this.#reading('json', 0), sensor, time })
    }
    return jsonRequest(gateway, readings)
  }

  #reading(kind: (typeof KINDS)[number], i: number): Reading {
    const n = ++this.#made
    const sensor = `${this.#rules.client}-${this.#chance.between(1, this.#rules.sensors)}`
    const values: Record<string, number | string> = { [UNIQUE_FIELD]: this.#unique(n) }
    if (kind === 'faulty' && i === 0) values['no-such-field'] = 1
    if (kind === 'undeclared') values.note = `reading ${n}, "quoted" \\ ☔`
    return { type: kind === 'undeclared' ? 'fault-notes' : 'temperature', sensor, time: timeOf(n), values }
  }

  #unique(n: number): number {
    return n + clientFraction(this.#rules.client)
  }

  #untimed(gateway: string, count: number): ClientRequest {
    const readings = Array.from({ length: count }, (_, i) => {
      const { type, sensor, values } = this.#reading('json', i)
      return { type, sensor, values }
    })
    const key = `${this.#rules.client}-${this.#made}`
    const request = jsonRequest(gateway, readings)
    return {
      ...request,
      headers: { ...request.headers, 'Idempotency-Key': key },
      readings: request.readings.map((each) => ({ ...each, idempotencyKey: key })),
    }
  }

  #lines(gateway: string, count: number): ClientRequest {
    const readings = Array.from({ length: count }, (_, i) => this.#reading('lines', i))
    const lines = readings.map(({ sensor, time = '', values }) => {
      return `temperature,sensor=${sensor} ${UNIQUE_FIELD}=${values[UNIQUE_FIELD]} ${nanosOf(time)}`
    })
    return {
      path: `/api/v2/write?gateway=${gateway}&precision=ns`,
      headers: { 'Content-Type': 'text/plain' },
      body: lines.join('\n'),
      readings: readings.map((each) => contentOf(gateway, each)),
    }
  }
}

function jsonRequest(gateway: string, readings: readonly Reading[]): ClientRequest {
  return {
    path: `/readings?gateway=${gateway}`,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(readings),
    readings: readings.map((each) => contentOf(gateway, each)),
  }
}

function contentOf(gateway: string, { type, sensor, time, values }: Reading): Content {
  return {
    unique: String(values[UNIQUE_FIELD]),
    gateway,
    type,
    sensor,
    time: time === undefined ? null : nanosOf(time),
    values: valuesText(values),
  }
}

/** Milliseconds apart, with digits below the millisecond in some. */
function timeOf(n: number): string {
  const text = new Date(FIRST_MS + n * 7).toISOString()
  return n % 3 === 0 ? text.replace('Z', `${String(n % 1_000_000).padStart(6, '0')}Z`) : text
}

/** Keeps the values of several clients apart, exactly in binary. */
function clientFraction(client: string): number {
  return ((client.codePointAt(0) ?? 0) % 64) / 64
}
