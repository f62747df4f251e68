/** `tidemark export`: readings back out of a store, in the order of gateway, type, sensor and time. */

import type { GatewayId, Instant } from '../../schemas/reading.ts'
import { dayStartMs, isDay, parseInstant } from '../../schemas/time.ts'
import { TidemarkError } from '../core/errors.ts'
import type { ReadingFilter, ReadingStore, StoredReading } from '../ports/reading-store.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { type CsvColumns, csvHeader, csvRow, lineOf, ndjsonLine } from './export-formats.ts'
import { counted, type ProgressBar, progressBar } from './progress-bar.ts'
import { proofOf } from './proof.ts'
import { storeNamed } from './stores.ts'

export type ExportContext = Pick<
  CommandContext,
  'stores' | 'types' | 'signal' | 'out' | 'note' | 'clock' | 'terminal' | 'columns' | 'ledger' | 'settings'
>

export interface ExportOptions {
  readonly store: string
  readonly type?: string | undefined
  readonly gateway?: string | undefined
  readonly sensor?: string | undefined
  /** RFC 3339 or a day; `from` is included, `to` is not. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** CSV when absent. */
  readonly format?: 'csv' | 'ndjson' | 'lp' | undefined
}

type Written = string | { readonly reason: string }

const COLUMNS_MAX = 10_000

/** 1 when the format has no way to write some of the readings. */
export async function runExport(context: ExportContext, options: ExportOptions): Promise<ExitCode> {
  const store = storeNamed(context, options.store)
  const filter = filterOf(options)
  // Where the readings themselves go to the terminal, there is no place for a bar.
  const bar = progressBar(context, 'export', { quiet: context.columns !== undefined })
  const { written, unwritable, faults } = await writeAll(context, store, filter, options, bar).finally(bar.clear)
  context.note(`${counted(written)} readings of store ${options.store}\n`)
  for (const fault of faults) context.note(fault)
  if (unwritable > 0) context.note(`${counted(unwritable)} readings can't be written in this format: take ndjson\n`)
  return unwritable > 0 ? 1 : 0
}

async function writeAll(
  context: ExportContext,
  store: ReadingStore,
  filter: ReadingFilter,
  options: ExportOptions,
  bar: ProgressBar,
): Promise<{ readonly written: number; readonly unwritable: number; readonly faults: readonly string[] }> {
  const { header, write, total } = await writerOf(context, store, filter, options, bar)
  if (header !== undefined) await context.out(`${header}\n`)
  let written = 0
  const faults: string[] = []
  let unwritable = 0
  for await (const readings of store.read(filter, context.signal)) {
    const lines: string[] = []
    for (const stored of readings) {
      const line = write(stored)
      if (typeof line === 'string') lines.push(line)
      else if (++unwritable <= 10) faults.push(`${identityText(stored)}: ${line.reason}\n`)
    }
    written += lines.length
    if (lines.length > 0) await context.out(`${lines.join('\n')}\n`)
    bar.show(written, total === undefined ? undefined : written / total)
  }
  return { written, unwritable, faults }
}

interface Writer {
  readonly header?: string
  /** How many readings there are, where that is known. */
  readonly total?: number | undefined
  readonly write: (stored: StoredReading) => Written
}

async function writerOf(
  context: ExportContext,
  store: ReadingStore,
  filter: ReadingFilter,
  options: ExportOptions,
  bar: ProgressBar,
): Promise<Writer> {
  const { format = 'csv' } = options
  const total = context.terminal ? await landedIn(context, options) : undefined
  if (format === 'ndjson') return { total, write: ndjsonLine }
  if (format === 'lp') return { total, write: lineOf }
  const { columns, readings } = await columnsOf(context, store, filter, (read) =>
    bar.show(read, total === undefined ? undefined : read / total, `${counted(read)} readings looked at for columns`),
  )
  bar.clear()
  const known = new Set([...columns.labels.map((name) => `label:${name}`), ...columns.fields])
  return { header: csvHeader(columns), total: readings, write: (stored) => rowOrFault(stored, columns, known) }
}

/** What the ledger knows to be in the store, where all of it is asked for. A ledger that does not answer costs the percentage alone. */
async function landedIn(context: ExportContext, options: ExportOptions): Promise<number | undefined> {
  const { store, gateway, type, sensor, from, to } = options
  if ([type, sensor, from, to].some((each) => each !== undefined)) return undefined
  const { gateways } = await proofOf(context, gateway).catch(() => ({ gateways: [] }))
  const landed = gateways.reduce((sum, { stores }) => sum + (stores[store]?.landed ?? 0), 0)
  return landed === 0 ? undefined : landed
}

/** A header needs every column, so the store is read twice. A declared type has its fields in the order of its schema. */
async function columnsOf(
  { types, signal }: ExportContext,
  store: ReadingStore,
  filter: ReadingFilter,
  onRead: (readings: number) => void,
): Promise<{ readonly columns: CsvColumns; readonly readings: number }> {
  const declared = filter.type === undefined ? undefined : types.get(filter.type)
  const fields = new Set(declared?.fields.map(({ name }) => name) ?? [])
  const labels = new Set<string>()
  let read = 0
  for await (const readings of store.read(filter, signal)) {
    read += readings.length
    onRead(read)
    for (const { reading } of readings) {
      for (const name in reading.labels) labels.add(name)
      if (declared === undefined) for (const name in reading.values) fields.add(name)
    }
    if (labels.size + fields.size > COLUMNS_MAX) {
      throw new TidemarkError(
        'usage-wrong',
        `more than ${COLUMNS_MAX} columns: export one --type at a time, or as ndjson`,
      )
    }
  }
  const sorted = [...fields]
  const columns = { labels: [...labels].sort(), fields: declared === undefined ? sorted.sort() : sorted }
  return { columns, readings: read }
}

/** What came into the store after its columns were counted may have others. */
function rowOrFault(stored: StoredReading, columns: CsvColumns, known: ReadonlySet<string>): Written {
  const { labels, values } = stored.reading
  const names = [...Object.keys(labels).map((name) => `label:${name}`), ...Object.keys(values)]
  const missing = names.find((name) => !known.has(name))
  if (missing === undefined) return csvRow(stored, columns)
  return { reason: `column ${missing} came while the export was running: run it again` }
}

function filterOf({ type, gateway, sensor, from, to }: ExportOptions): ReadingFilter {
  return {
    ...(type === undefined ? {} : { type }),
    ...(gateway === undefined ? {} : { gateway: gateway as GatewayId }),
    ...(sensor === undefined ? {} : { sensor }),
    ...(from === undefined ? {} : { from: bound('--from', from) }),
    ...(to === undefined ? {} : { to: bound('--to', to) }),
  }
}

function bound(option: string, text: string): Instant {
  if (isDay(text)) return { ms: dayStartMs(text), ns: 0 }
  const parsed = parseInstant(text)
  if ('reason' in parsed) throw new TidemarkError('usage-wrong', `${option}: ${parsed.reason}`)
  return parsed
}

function identityText({ gateway, reading }: StoredReading): string {
  return `${gateway}/${reading.type}/${reading.sensor}/${reading.ms}.${reading.ns}`
}
