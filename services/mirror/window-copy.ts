/** Moves rows of one window from the source to the target, or holds both sides of it against each other. Memory is bounded by requests, whatever the window holds. */

import { invariant } from '../core/errors.ts'
import { type FieldDifference, seriesOf } from '../core/mirror-plan.ts'
import {
  type MirrorEnd,
  type MirrorRow,
  type MirrorSeries,
  pointsIn,
  type TimeWindow,
  type WriteOutcome,
} from '../ports/mirror-end.ts'

export interface Sides {
  readonly source: MirrorEnd
  readonly target: MirrorEnd
  readonly bucket: string
}

const WRITE_POINTS = 20_000
const WRITES_MAX = 2
const NOTHING: WriteOutcome = { written: 0, outsideRetention: 0, refused: 0, reason: '' }

/** Takes rows and writes them, some thousand a request; whoever gives waits while two requests are under way. */
export class Writing implements AsyncDisposable {
  readonly #sides: Pick<Sides, 'target' | 'bucket'>
  readonly #signal: AbortSignal
  readonly #told: (points: number) => void
  readonly #underWay = new Set<Promise<void>>()
  #rows: MirrorRow[] = []
  #points = 0
  #failure: { readonly error: unknown } | undefined
  #outcome = NOTHING

  constructor(sides: Pick<Sides, 'target' | 'bucket'>, signal: AbortSignal, told: (points: number) => void) {
    this.#sides = sides
    this.#signal = signal
    this.#told = told
  }

  async give(rows: readonly MirrorRow[]): Promise<void> {
    for (const row of rows) {
      this.#rows.push(row)
      this.#points += pointsIn(row)
    }
    if (this.#points >= WRITE_POINTS) await this.#send()
  }

  /** When everything is answered. Throws what a write threw. */
  async end(): Promise<WriteOutcome> {
    if (this.#rows.length > 0) await this.#send()
    await Promise.all(this.#underWay)
    this.#throwFailure()
    return this.#outcome
  }

  /** Nothing of it is under way any more when it resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async #send(): Promise<void> {
    while (this.#underWay.size >= WRITES_MAX) await Promise.race(this.#underWay)
    this.#throwFailure()
    const rows = this.#rows
    this.#rows = []
    this.#points = 0
    const write = this.#write(rows)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#underWay.delete(write))
    this.#underWay.add(write)
  }

  async #write(rows: readonly MirrorRow[]): Promise<void> {
    const { target, bucket } = this.#sides
    const { written, outsideRetention, refused, reason } = await target.write(bucket, rows, this.#signal)
    this.#outcome = {
      written: this.#outcome.written + written,
      outsideRetention: this.#outcome.outsideRetention + outsideRetention,
      refused: this.#outcome.refused + refused,
      reason: reason === '' ? this.#outcome.reason : reason,
    }
    this.#told(written)
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/** All that the source has of these fields in the window. */
export async function copyWindow(
  sides: Sides,
  window: TimeWindow,
  fields: readonly FieldDifference[],
  signal: AbortSignal,
  told: (points: number) => void,
): Promise<WriteOutcome> {
  const wanted = new Map<string, Set<string>>()
  for (const { series, field } of fields) {
    const names = wanted.get(series.key) ?? new Set()
    wanted.set(series.key, names.add(field))
  }
  await using writing = new Writing(sides, signal, told)
  for await (const rows of sides.source.read(sides.bucket, window, seriesOf(fields), signal)) {
    await writing.give(rows.flatMap((row) => narrowed(row, wanted.get(row.series.key))))
  }
  return await writing.end()
}

/** With those fields alone. */
function narrowed(row: MirrorRow, wanted: ReadonlySet<string> | undefined): readonly MirrorRow[] {
  if (wanted === undefined) return []
  if (row.names.every((name) => wanted.has(name))) return [row]
  const values = row.values.map((value, i) => (wanted.has(row.names[i] ?? '') ? value : undefined))
  return values.some((value) => value !== undefined) ? [{ ...row, values }] : []
}

/** In points, for one field of one series. */
export interface HeldField {
  readonly field: FieldDifference
  equal: number
  missing: number
  differing: number
  extra: number
}

export interface Held {
  readonly fields: readonly HeldField[]
  /** What the target does not have, or has with another value. */
  readonly rows: readonly MirrorRow[]
  /** Of what the source does not have. */
  readonly extra: readonly { readonly series: MirrorSeries; readonly time: bigint }[]
}

/** Reads these fields of both sides. */
export async function holdWindow(
  sides: Sides,
  window: TimeWindow,
  fields: readonly FieldDifference[],
  signal: AbortSignal,
): Promise<Held> {
  const found = new Map(
    fields.map((field) => [
      `${field.series.key} ${field.field}`,
      { field, equal: 0, missing: 0, differing: 0, extra: 0 } as HeldField,
    ]),
  )
  const only = seriesOf(fields)
  const target = new Map<string, string>()
  for await (const rows of sides.target.read(sides.bucket, window, only, signal)) {
    for (const [name, time, value] of pointsOf(rows)) if (found.has(name)) target.set(`${time} ${name}`, value)
  }
  const wanting: MirrorRow[] = []
  for await (const rows of sides.source.read(sides.bucket, window, only, signal)) {
    for (const row of rows) {
      const values = row.values.map((value, i) => {
        const name = `${row.series.key} ${row.names[i]}`
        const held = found.get(name)
        if (value === undefined || held === undefined) return undefined
        const other = target.get(`${row.time} ${name}`)
        target.delete(`${row.time} ${name}`)
        if (other === value) held.equal += 1
        else if (other === undefined) held.missing += 1
        else held.differing += 1
        return other === value ? undefined : value
      })
      if (values.some((value) => value !== undefined)) wanting.push({ ...row, values })
    }
  }
  const extra = new Map<string, Held['extra'][number]>()
  for (const key of target.keys()) {
    const [time, name] = [key.slice(0, key.indexOf(' ')), key.slice(key.indexOf(' ') + 1)]
    const held = found.get(name)
    invariant(held !== undefined, 'what is held of the target was asked for')
    held.extra += 1
    const { series } = held.field
    extra.set(`${time} ${series.key}`, { series, time: BigInt(time) })
  }
  return { fields: [...found.values()], rows: wanting, extra: [...extra.values()] }
}

function* pointsOf(rows: readonly MirrorRow[]): Generator<readonly [name: string, time: string, value: string]> {
  for (const { series, names, values, time } of rows) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (value !== undefined) yield [`${series.key} ${names[i]}`, time, value]
    }
  }
}
