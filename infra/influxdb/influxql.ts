/** Pieces of InfluxQL, and the rows that it answers with. It gives a series as one row with a column a field, and takes no notice of what tags are called. */

import { Unpackr } from 'msgpackr'
import { TidemarkError } from '../../services/core/errors.ts'
import type { TimeWindow } from '../../services/ports/mirror-end.ts'

export interface InfluxqlSeries {
  readonly name: string
  readonly tags: ReadonlyMap<string, string>
  readonly columns: readonly string[]
  /** Integers of 64 bits, times among them, are `bigint`, shorter ones numbers. */
  readonly values: readonly (readonly unknown[])[]
}

export function identifier(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
}

export function textLiteral(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&').replaceAll('\n', '\\n')}'`
}

export function timeRange({ from, to }: TimeWindow): string {
  return `time >= ${from} AND time <= ${to - 1n}`
}

const unpackr = new Unpackr({ mapsAsObjects: false, useRecords: false, int64AsType: 'bigint' })

/** Reads a stream of answers as they come. Throws `store-unavailable` for an error among them and for a last one that is not whole. */
export async function* influxqlSeries(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<InfluxqlSeries> {
  let held: Uint8Array = new Uint8Array()
  for await (const chunk of chunks) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const { answers, rest } = wholeIn(held)
    held = rest
    for (const answer of answers) yield* seriesIn(answer)
  }
  if (held.length > 0) throw new TidemarkError('store-unavailable', 'the answer of InfluxDB broke off')
}

function wholeIn(bytes: Uint8Array): { readonly answers: readonly unknown[]; readonly rest: Uint8Array } {
  try {
    return { answers: unpackr.unpackMultiple(bytes) ?? [], rest: new Uint8Array() }
  } catch (error) {
    const { incomplete, lastPosition, values } = error as Incomplete
    if (incomplete !== true) {
      throw new TidemarkError('store-unavailable', 'InfluxDB answers what can not be read', {}, error)
    }
    // What was taken out keeps nothing of the buffer.
    return { answers: values ?? [], rest: bytes.subarray(lastPosition ?? 0) }
  }
}

interface Incomplete {
  readonly incomplete?: boolean
  readonly lastPosition?: number
  readonly values?: readonly unknown[]
}

type Told = ReadonlyMap<string, unknown>

function* seriesIn(answer: unknown): Generator<InfluxqlSeries> {
  const told = answer as Told
  assertNoError(told)
  for (const result of (told.get('results') ?? []) as readonly Told[]) {
    assertNoError(result)
    for (const series of (result.get('series') ?? []) as readonly Told[]) {
      yield {
        name: (series.get('name') ?? '') as string,
        tags: (series.get('tags') ?? new Map()) as ReadonlyMap<string, string>,
        columns: (series.get('columns') ?? []) as readonly string[],
        values: (series.get('values') ?? []) as readonly (readonly unknown[])[],
      }
    }
  }
}

function assertNoError(told: Told): void {
  const error = told.get('error')
  if (error !== undefined) throw new TidemarkError('store-unavailable', `InfluxDB's query failed: ${error}`)
}
