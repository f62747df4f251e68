/** Rows as lines, and what became of them: what is refused as a whole is halved until each row, and each field of it, has its own answer. */

import { type MirrorRow, pointsIn, type WriteOutcome } from '../../services/ports/mirror-end.ts'
import type { Refusal } from './client.ts'

/** Sends lines as one request. */
export type SendsLines = (lines: string) => Promise<'landed' | Refusal>

const NOTHING: WriteOutcome = { written: 0, outsideRetention: 0, refused: 0, reason: '' }
const RETENTION = /\b(?:beyond|outside) retention/i

export async function writeRows(rows: readonly MirrorRow[], send: SendsLines): Promise<WriteOutcome> {
  const writable = rows.filter(({ series }) => series.unwritable === '')
  let outcome = NOTHING
  for (const row of rows) {
    if (row.series.unwritable !== '') outcome = plus(outcome, refusedFor(row.series.unwritable, pointsIn(row)))
  }
  if (writable.length === 0) return outcome
  return plus(outcome, await written(writable, send))
}

async function written(rows: readonly MirrorRow[], send: SendsLines): Promise<WriteOutcome> {
  const answer = await send(rows.map(lineOf).join('\n'))
  if (answer === 'landed') return { ...NOTHING, written: pointsOf(rows) }
  if (answer.dropped === rows.length && (RETENTION.test(answer.reason) || !rows.some(isSplittable))) {
    return refusedFor(answer.reason, pointsOf(rows))
  }
  const parts = rows.length > 1 ? halved(rows, answer) : fieldsOf(rows)
  if (parts === undefined) return refusedFor(answer.reason, pointsOf(rows))
  let outcome = NOTHING
  for (const part of parts) outcome = plus(outcome, await written(part, send))
  return outcome
}

/** By time where retention refused some: then those stand together. */
function halved(rows: readonly MirrorRow[], { reason }: Refusal): readonly (readonly MirrorRow[])[] {
  const sorted = RETENTION.test(reason) ? rows.toSorted((a, b) => (BigInt(a.time) < BigInt(b.time) ? -1 : 1)) : rows
  const middle = Math.ceil(sorted.length / 2)
  return [sorted.slice(0, middle), sorted.slice(middle)]
}

/** InfluxDB drops a row for one field of another type: the others are sent again. */
function fieldsOf([row]: readonly MirrorRow[]): readonly (readonly MirrorRow[])[] | undefined {
  if (row === undefined || !isSplittable(row)) return undefined
  return row.values.flatMap((value, at) =>
    value === undefined ? [] : [[{ ...row, values: row.values.map((each, i) => (i === at ? each : undefined)) }]],
  )
}

function isSplittable(row: MirrorRow): boolean {
  return pointsIn(row) > 1
}

function lineOf({ series, time, names, values }: MirrorRow): string {
  let fields = ''
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (value !== undefined) fields += fields === '' ? `${names[i]}=${value}` : `,${names[i]}=${value}`
  }
  return `${series.key} ${fields} ${time}`
}

function pointsOf(rows: readonly MirrorRow[]): number {
  return rows.reduce((sum, row) => sum + pointsIn(row), 0)
}

function refusedFor(reason: string, points: number): WriteOutcome {
  return RETENTION.test(reason)
    ? { ...NOTHING, outsideRetention: points, reason }
    : { ...NOTHING, refused: points, reason }
}

function plus(a: WriteOutcome, b: WriteOutcome): WriteOutcome {
  return {
    written: a.written + b.written,
    outsideRetention: a.outsideRetention + b.outsideRetention,
    refused: a.refused + b.refused,
    reason: b.reason === '' ? a.reason : b.reason,
  }
}
