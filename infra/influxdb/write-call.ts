/** One write: cuts its readings into requests of lines, finds copies among them, and keeps the outcome of each. */

import { TidemarkError } from '../../services/core/errors.ts'
import type { ArrivingReading, Landing } from '../../services/ports/reading-store.ts'
import type { LineEncoder, LineSeries } from './line-encoder.ts'

/** One request: lines as they are sent, and which reading of the call each one is. The lines themselves are not kept while it waits: thousands of texts cost more in garbage collection than encoding the few once more that are refused. */
export interface Piece {
  readonly body: Uint8Array
  readonly owners: readonly number[]
}

const STORED: Landing = { outcome: 'stored' }
const DUPLICATE: Landing = { outcome: 'duplicate' }
const PIECE_CHARS_MAX = 8_000_000

let calls = 0

export class WriteCall {
  readonly #encoder: LineEncoder
  readonly #readings: readonly ArrivingReading[]
  readonly #landings: (Landing | undefined)[]
  readonly #linesMax: number
  readonly #call = ++calls
  #next = 0
  /** By identity, from when a series first went back in time: only then may an identity come twice. */
  #places: Map<string, number> | undefined
  /** Of readings whose identity came before in this call: where. */
  readonly #repeats = new Map<number, number>()

  constructor(encoder: LineEncoder, readings: readonly ArrivingReading[], linesMax: number) {
    this.#encoder = encoder
    this.#readings = readings
    this.#linesMax = linesMax
    this.#landings = new Array<Landing | undefined>(readings.length)
  }

  /** `undefined` when every reading has been handed out. */
  nextPiece(): Piece | undefined {
    const lines: string[] = []
    const owners: number[] = []
    let chars = 0
    while (this.#next < this.#readings.length && lines.length < this.#linesMax && chars < PIECE_CHARS_MAX) {
      const index = this.#next++
      const line = this.#lineOf(index)
      if (line === undefined) continue
      lines.push(line)
      owners.push(index)
      chars += line.length
    }
    return lines.length === 0 ? undefined : { body: bodyOf(lines), owners }
  }

  /** Of readings that were handed out in a piece. */
  linesOf(owners: readonly number[]): readonly string[] {
    return owners.map((owner) => {
      const arriving = this.#readings[owner] as ArrivingReading
      return this.#encoder.encode(arriving, this.#encoder.seriesOf(arriving)) as string
    })
  }

  store(owners: readonly number[]): void {
    for (const owner of owners) this.#landings[owner] = STORED
  }

  reject(owners: readonly number[], reason: string): void {
    for (const owner of owners) this.#landings[owner] = { outcome: 'rejected', reason }
  }

  /** When every piece has been answered. */
  landings(): readonly Landing[] {
    for (const [index, first] of this.#repeats) this.#landings[index] = this.#repeated(index, first)
    return Array.from(this.#landings, answered)
  }

  #lineOf(index: number): string | undefined {
    const arriving = this.#readings[index] as ArrivingReading
    const series = this.#encoder.seriesOf(arriving)
    if (this.#isRepeated(arriving, series, index)) return undefined
    const line = this.#encoder.encode(arriving, series)
    if (typeof line === 'string') return line
    this.reject([index], line.reason)
    return undefined
  }

  /** Sent beside the first one, a copy would do no harm, but other values would make one point of two. */
  #isRepeated(arriving: ArrivingReading, series: LineSeries, index: number): boolean {
    const { ms, ns } = arriving.reading
    const ascends = series.call !== this.#call || ms > series.ms || (ms === series.ms && ns > series.ns)
    if (ascends) Object.assign(series, { call: this.#call, ms, ns })
    if (ascends && this.#places === undefined) return false
    const places = this.#placesBefore(index)
    const identity = identityOf(arriving)
    const first = places.get(identity)
    if (first === undefined) places.set(identity, index)
    else this.#repeats.set(index, first)
    return first !== undefined
  }

  #placesBefore(index: number): Map<string, number> {
    if (this.#places !== undefined) return this.#places
    this.#places = new Map()
    for (let i = 0; i < index; i++) this.#places.set(identityOf(this.#readings[i] as ArrivingReading), i)
    return this.#places
  }

  #repeated(index: number, first: number): Landing {
    const landing = answered(this.#landings[first])
    if (landing.outcome !== 'stored') return landing
    const held = (this.#readings[first] as ArrivingReading).reading.digest
    const { digest } = (this.#readings[index] as ArrivingReading).reading
    return Buffer.compare(held, digest) === 0 ? DUPLICATE : { outcome: 'conflict', heldDigest: held }
  }
}

export function bodyOf(lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.join('\n'))
}

function answered(landing: Landing | undefined): Landing {
  if (landing === undefined) throw new TidemarkError('bug', 'InfluxDB was not asked about every reading')
  return landing
}

function identityOf({ gateway, reading: { type, sensor, ms, ns } }: ArrivingReading): string {
  return `${gateway}\0${type}\0${sensor}\0${ms}.${ns}`
}
