/** What the sensors of a simulated run offer, and clients that send it: with repetitions, equal instants, missing times, and answers that never come. */

import type { Instant, Values } from '../../schemas/reading.ts'
import type { Offer } from '../../services/ports/journal.ts'
import type { Offered } from '../checker/history.ts'
import { Chance } from './chance.ts'
import type { GatewayHost } from './hosts.ts'
import { BEGIN_MS } from './machine.ts'
import { type Recorder, textOf } from './recorder.ts'
import type { Scheduler } from './scheduler.ts'

/** A reading as its sensor means it. */
interface Meant {
  readonly unique: string
  readonly offer: Offer
}

interface Request {
  readonly gateway: string
  readonly atMs: number
  readonly meant: readonly Meant[]
  readonly key?: string
}

export interface WorkloadOptions {
  readonly seed: number
  readonly gateways: readonly string[]
  readonly readings: number
  /** Everything is first offered within this time. */
  readonly withinMs: number
  /** Gateways count the day for which they know a key by their wall clock: one that jumps may end it. */
  readonly clocksJump: boolean
  /** Gateways forget identities: a repeated reading that had to give way is then not known by its time, not even in the stores. */
  readonly gatewaysForget: boolean
}

const BATCHES = [1, 1, 2, 5, 20, 60] as const
/** So far back lie the readings that another one has the instant of. */
const NEAR_MAX = 60

export class Workload {
  readonly requests: readonly Request[]
  readonly #chance: Chance
  readonly #scheduler: Scheduler
  readonly #recorder: Recorder
  readonly #options: WorkloadOptions
  /** How many readings were measured in a millisecond of a sensor. */
  readonly #atInstant = new Map<string, number>()
  #waiting: number

  constructor(options: WorkloadOptions, scheduler: Scheduler, recorder: Recorder) {
    this.#options = options
    this.#chance = new Chance(options.seed, 'clients')
    this.#scheduler = scheduler
    this.#recorder = recorder
    this.requests = [...planned(options, new Chance(options.seed, 'workload'))]
    this.#waiting = this.requests.length
    for (const { gateway, meant } of this.requests) {
      for (const { offer } of meant) {
        const key = instantOf(gateway, offer)
        this.#atInstant.set(key, (this.#atInstant.get(key) ?? 0) + 1)
      }
    }
  }

  /** Requests whose client still wants an answer. */
  get waiting(): number {
    return this.#waiting
  }

  run(hosts: ReadonlyMap<string, GatewayHost>): void {
    for (const request of this.requests) {
      const host = hosts.get(request.gateway)
      if (host === undefined) throw new Error(`no gateway ${request.gateway}`)
      this.#scheduler.after(request.atMs, `client of ${request.gateway}`, () => void this.#send(host, request))
    }
  }

  async #send(host: GatewayHost, request: Request): Promise<void> {
    const chance = this.#chance
    const { key } = request
    const idempotency = key === undefined ? {} : { idempotency: { key, fingerprint: key, note: '' } }
    const answer = await host.offer({ offers: request.meant.map((each) => each.offer), ...idempotency })
    if (answer !== 'down')
      for (const each of request.meant) this.#recorder.offered.push(this.#row(request, each, answer))
    // Sent again: what was refused or got no answer by nearly every client, what was taken by a few.
    const again = answer === 'ok' ? canRepeat(request) && chance.hits(0.1) : answer === 'down' || chance.hits(0.9)
    if (again)
      this.#scheduler.after(chance.skewed(200, 30_000), `client of ${host.name}`, () => void this.#send(host, request))
    else this.#waiting -= 1
  }

  #mayBeForgotten(gateway: string, offer: Offer): boolean {
    const { clocksJump, gatewaysForget } = this.#options
    if (offer.time === undefined) return clocksJump
    return gatewaysForget && (this.#atInstant.get(instantOf(gateway, offer)) ?? 0) > 1
  }

  #row(request: Request, { unique, offer }: Meant, outcome: Offered['outcome']): Offered {
    const { type, sensor, time, values } = offer
    return {
      unique,
      gateway: request.gateway,
      type,
      sensor,
      time: time === undefined ? null : BigInt(time.ms) * 1_000_000n + BigInt(time.ns),
      values: textOf(values),
      outcome,
      at: this.#scheduler.step,
      ...(request.key === undefined ? {} : { idempotencyKey: request.key }),
      mayBeForgotten: this.#mayBeForgotten(request.gateway, offer),
    }
  }
}

/** Readings that may have to give way to each other have it in common. */
function instantOf(gateway: string, { type, sensor, time }: Offer): string {
  return `${gateway} ${type} ${sensor} ${time?.ms}`
}

function beside({ ms, ns }: Instant): Instant {
  return { ms, ns: ns < 999_999 ? ns + 1 : ns - 1 }
}

/** A reading that can't be told from its repetition is sent again only when nobody answered. */
function canRepeat({ key, meant }: Request): boolean {
  return key !== undefined || meant.every((each) => each.offer.time !== undefined)
}

function* planned(options: WorkloadOptions, chance: Chance): Generator<Request> {
  const { gateways, readings, withinMs } = options
  const sensors = gateways.map((gateway) => new Sensors(gateway, chance))
  for (let made = 0; made < readings; ) {
    const count = Math.min(readings - made, chance.pick(BATCHES))
    const from = chance.pick(sensors)
    const atMs = chance.between(0, withinMs)
    const timed = chance.hits(0.85)
    const keyed = chance.hits(timed ? 0.1 : 0.6)
    const meant = Array.from({ length: count }, (_, i) => from.next(made + i + 1, atMs + i, timed))
    const repeated = timed && chance.hits(0.1) ? [...meant, chance.pick(meant)] : meant
    yield { gateway: from.gateway, atMs, meant: repeated, ...(keyed ? { key: `k${made}` } : {}) }
    made += count
  }
}

/** The sensors around one gateway. */
class Sensors {
  readonly gateway: string
  readonly #chance: Chance
  /** Of the offers so far, the last ones that had a time. */
  readonly #past: Offer[] = []

  constructor(gateway: string, chance: Chance) {
    this.gateway = gateway
    this.#chance = chance
  }

  next(n: number, atMs: number, timed: boolean): Meant {
    const chance = this.#chance
    const [type, values] = this.#values(n)
    const sensor = `s${chance.whole(1, 3)}`
    const labels = chance.hits(0.2) ? { site: `site ${chance.whole(1, 2)}` } : {}
    if (!timed) return { unique: `${n}`, offer: { type, sensor, labels, values } }
    // Another value of the same sensor at the same instant is another reading, and so is one a nanosecond beside it.
    const same = this.#past.filter((each) => each.type === type)
    const near = same.length > 0 && chance.hits(0.15) ? chance.pick(same) : undefined
    const fresh = { ms: BEGIN_MS + Math.floor(atMs) + this.#shiftMs(), ns: chance.whole(0, 999_999) }
    const time = near?.time === undefined ? fresh : chance.hits(0.6) ? near.time : beside(near.time)
    const offer: Offer = { type, sensor: near?.sensor ?? sensor, labels: near?.labels ?? labels, time, values }
    this.#past.push(offer)
    if (this.#past.length > NEAR_MAX) this.#past.shift()
    return { unique: `${n}`, offer }
  }

  /** Most are of now; some were measured long ago, some by a clock that is ahead. */
  #shiftMs(): number {
    const draw = this.#chance.next()
    if (draw < 0.05) return -40 * 365 * 86_400_000
    if (draw < 0.1) return -86_400_000
    return draw < 0.12 ? 170 * 365 * 86_400_000 : 0
  }

  #values(n: number): readonly [string, Values] {
    const chance = this.#chance
    const kind = chance.next()
    if (kind < 0.4)
      return ['temperature', { temperature: n + 0.5, ...(chance.hits(0.5) ? { wind: chance.next() } : {}) }]
    if (kind < 0.6)
      return ['soil_moisture', { moisture: n + 0.25, raw: BigInt(chance.whole(-1e9, 1e9)), battery_low: n % 2 === 0 }]
    return ['free', { n, note: `ü "${n}"`, ...(chance.hits(0.5) ? { exact: BigInt(n) * 9_007_199n } : { flag: true }) }]
  }
}
