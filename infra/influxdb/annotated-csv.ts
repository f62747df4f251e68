/** The annotated CSV that Flux answers with: rows by column name, with the type InfluxDB gives each column. */

import { TidemarkError } from '../../services/core/errors.ts'

/** Flux's own: none, result and table. Labels may have these names too, and are columns after them. */
const OWN_COLUMNS = 3

/** Rows that have the same columns. */
export class CsvTable {
  /** By column: `double`, `long`, `boolean`, `string`, `dateTime:RFC3339` … */
  readonly #types: readonly string[]
  readonly #places: ReadonlyMap<string, number>

  constructor(types: readonly string[], header: readonly string[]) {
    this.#types = types
    this.#places = new Map(header.map((name, place) => [name, place] as const).slice(OWN_COLUMNS))
  }

  /** Of the columns after Flux's own. */
  get names(): readonly string[] {
    return [...this.#places.keys()]
  }

  placeOf(name: string): number | undefined {
    return this.#places.get(name)
  }

  typeOf(name: string): string | undefined {
    const place = this.#places.get(name)
    return place === undefined ? undefined : this.#types[place]
  }
}

export class CsvRow {
  readonly table: CsvTable
  readonly cells: readonly string[]

  constructor(table: CsvTable, cells: readonly string[]) {
    this.table = table
    this.cells = cells
  }

  cell(name: string): string | undefined {
    const place = this.table.placeOf(name)
    return place === undefined ? undefined : this.cells[place]
  }
}

/** Throws `store-unavailable` for an error that came after the answer had begun: Flux puts it into the CSV. */
export function* csvRows(text: string): Generator<CsvRow> {
  let types: readonly string[] | undefined
  let table: CsvTable | undefined
  let failed = false
  for (const cells of records(text)) {
    if (cells.length === 1) table = undefined
    else if (cells[0] === '#datatype') types = cells
    else if (table === undefined) {
      table = new CsvTable(types ?? [], cells)
      failed = cells[1] === 'error' && cells[2] === 'reference'
    } else if (failed) {
      throw new TidemarkError('store-unavailable', `InfluxDB's query failed: ${cells[1]?.slice(0, 300)}`)
    } else yield new CsvRow(table, cells)
  }
}

/** RFC 4180, with line ends as Flux writes them. An empty line is a record of one cell. */
function* records(text: string): Generator<readonly string[]> {
  let at = 0
  while (at < text.length) {
    const feed = text.indexOf('\r\n', at)
    const end = feed < 0 ? text.length : feed
    const line = text.slice(at, end)
    if (!line.includes('"')) {
      yield line.split(',')
      at = end + 2
      continue
    }
    const cells: string[] = []
    at = readQuoted(text, at, cells)
    yield cells
  }
}

/** Puts the cells of the record at `from` into `cells` and says where the next record begins. */
function readQuoted(text: string, from: number, cells: string[]): number {
  let at = from
  for (;;) {
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1)
      cells.push(text.slice(at + 1, close).replaceAll('""', '"'))
      at = close + 1
    } else {
      const end = cellEnd(text, at)
      cells.push(text.slice(at, end))
      at = end
    }
    if (text[at] !== ',') return at + 2
    at++
  }
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2)
  return at < 0 ? text.length : at
}

function cellEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && text[at] !== ',' && text[at] !== '\r') at++
  return at
}
