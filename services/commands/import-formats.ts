/** The formats an import reads: CSV, NDJSON and line protocol, each from chunks of text to items for the door. */

import { LineFault, lineEnd, type Precision, parseLine } from '../core/line-protocol.ts'
import { planColumns, readRow } from './import-columns.ts'
import { type CsvRow, CsvRows } from './import-csv.ts'
import { readObject } from './import-object.ts'
import type { ImportFormat, ImportItem } from './import-source.ts'

export type FormatName = 'csv' | 'ndjson' | 'lp'

/** So many rows decide what the columns of an undeclared type hold. */
const SAMPLE_ROWS = 1_000
const LINE_CHARS_MAX = 1_000_000

/** By the file's name, or else by how its text begins. */
export function formatOf(path: string, beginning: string): FormatName {
  const name = path.replace(/\.gz$/i, '')
  if (/\.(csv|tsv)$/i.test(name)) return 'csv'
  if (/\.(ndjson|jsonl)$/i.test(name)) return 'ndjson'
  if (/\.(lp|line|influx)$/i.test(name)) return 'lp'
  if (/^\s*\{/.test(beginning)) return 'ndjson'
  return /^\s*[^\s,;"]+(?:,[^\s=,]+=[^\s=,]+)* [^\s=,]+=\S/.test(beginning) ? 'lp' : 'csv'
}

export function formatNamed(name: FormatName, precision: Precision): ImportFormat {
  if (name === 'csv') return csvItems
  return name === 'ndjson' ? ndjsonItems : (text) => lineItems(text, precision)
}

const csvItems: ImportFormat = async function* (text, rules) {
  const reader = new CsvRows()
  const waiting: CsvRow[] = []
  let plan: ReturnType<typeof planColumns> | undefined
  for await (const { chunk, isLast } of withEnd(text)) {
    for (const row of reader.push(chunk, isLast)) waiting.push(row)
    if (plan === undefined) {
      if (waiting.length <= SAMPLE_ROWS && !isLast) continue
      const header = waiting.shift()
      if (header === undefined) return
      const sample = waiting.slice(0, SAMPLE_ROWS).flatMap((row) => ('cells' in row ? [row.cells] : []))
      plan = planColumns('cells' in header ? header.cells : [], sample, rules)
    }
    const columns = plan
    yield waiting.splice(0).map((row) => readRow(columns, row, rules))
  }
}

const ndjsonItems: ImportFormat = async function* (text, rules) {
  const readOne = readObject(rules)
  const ends = (from: string): number => from.indexOf('\n')
  for await (const lines of splitLines(text, (rest) => ends(rest))) {
    yield lines.flatMap((line) => ('text' in line ? (line.text.trim() === '' ? [] : [readOne(line)]) : [line]))
  }
}

async function* lineItems(text: AsyncIterable<string>, precision: Precision): AsyncGenerator<readonly ImportItem[]> {
  const ends = (rest: string): number => {
    const end = lineEnd(rest, 0)
    return end === rest.length ? -1 : end
  }
  for await (const lines of splitLines(text, ends)) {
    yield lines.flatMap((line): ImportItem[] => {
      if (!('text' in line)) return [line]
      const trimmed = line.text.trim()
      if (trimmed === '' || trimmed.startsWith('#')) return []
      return [checkLine({ line: line.line, text: trimmed }, precision)]
    })
  }
}

function checkLine(item: { readonly line: number; readonly text: string }, precision: Precision): ImportItem {
  const point = parseLine(item.text, precision)
  if (point instanceof LineFault) return { line: item.line, code: point.code, reason: point.reason }
  if (point.time !== undefined) return item
  return {
    line: item.line,
    code: 'time-missing',
    reason: 'without a time a line could not be told from its repetition',
  }
}

/** Lines by the rule of their format: `ends` says where the first one ends, −1 while that is not known. */
async function* splitLines(
  text: AsyncIterable<string>,
  ends: (rest: string) => number,
): AsyncGenerator<readonly ImportItem[]> {
  let rest = ''
  let number = 1
  for await (const { chunk, isLast } of withEnd(text)) {
    rest += chunk
    const lines: ImportItem[] = []
    while (rest !== '') {
      const end = ends(rest)
      if (end < 0 && !isLast && rest.length < LINE_CHARS_MAX) break
      const tooLong = end < 0 && !isLast
      const cut = end < 0 ? (tooLong ? firstFeed(rest) : rest.length) : end
      lines.push(
        tooLong
          ? {
              line: number,
              code: 'line-invalid',
              reason: `a line or quoted text is longer than ${LINE_CHARS_MAX} characters`,
            }
          : { line: number, text: rest.slice(0, cut) },
      )
      number += rest.slice(0, cut).split('\n').length
      rest = rest.slice(cut + 1)
    }
    yield lines
  }
}

function firstFeed(text: string): number {
  const feed = text.indexOf('\n')
  return feed < 0 ? text.length : feed
}

/** The last chunk is empty and says that it is the last. */
async function* withEnd(
  text: AsyncIterable<string>,
): AsyncGenerator<{ readonly chunk: string; readonly isLast: boolean }> {
  for await (const chunk of text) yield { chunk, isLast: false }
  yield { chunk: '', isLast: true }
}
