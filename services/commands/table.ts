/** Tables for people: aligned columns, the last one wrapped where a terminal ends. As JSON for programs. */

const GAP = '  '
const LAST_COLUMN_MIN = 20

export type Cell = string | number
export type TableRow = Readonly<Record<string, Cell>>

export interface Printed {
  /** One JSON document instead of a table. */
  readonly json?: boolean | undefined
  /** Said instead of an empty table. */
  readonly nothing: string
}

export interface Output {
  readonly columns?: number
  out(text: string): Promise<void>
}

/** Numbers stand to the right, texts to the left; the titles are the keys of the first row. */
export function tableText(rows: readonly TableRow[], columns = Number.POSITIVE_INFINITY): string {
  const titles = Object.keys(rows[0] ?? {})
  const widths = titles.map((title) => Math.max(title.length, ...rows.map((row) => String(row[title] ?? '').length)))
  const beforeLast = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0)
  const room = Math.max(LAST_COLUMN_MIN, columns - beforeLast)
  const right = titles.map((title) => rows.every((row) => typeof row[title] === 'number'))
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, i) => (right[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
    const [first = '', ...more] = wrapped((right.at(-1) ? padded : cells).at(-1) ?? '', room)
    const all = [[...padded.slice(0, -1), first].join(GAP), ...more.map((text) => ' '.repeat(beforeLast) + text)]
    return all.map((text) => `${text.trimEnd()}\n`).join('')
  }
  return [titles, ...rows.map((row) => titles.map((title) => String(row[title] ?? '')))].map(line).join('')
}

export async function printRows(output: Output, rows: readonly TableRow[], printed: Printed): Promise<void> {
  if (printed.json === true) await printJson(output, rows)
  else await output.out(rows.length === 0 ? `${printed.nothing}\n` : tableText(rows, output.columns))
}

export async function printJson(output: Pick<Output, 'out'>, document: unknown): Promise<void> {
  await output.out(`${JSON.stringify(document, null, 2)}\n`)
}

/** At spaces where there are some, else in the middle of a word. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width)
    const cut = space > 0 ? space : width
    lines.push(rest.slice(0, cut))
    rest = rest.slice(cut).trimStart()
  }
  return [...lines, rest]
}
