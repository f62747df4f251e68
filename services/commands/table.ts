/** Tables for people, as wide as the terminal: cells wrap between words, and rows become lists where columns find no room. As JSON for programs. */

const GAP = '  '
/** Tried one after the other: a word longer than `wordMax` may be cut, but never in the first column, which says what the row is. */
const WAYS = [
  { wordMax: 40, gap: GAP },
  { wordMax: 16, gap: ' ' },
]

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

interface Column {
  readonly title: string
  readonly cells: readonly string[]
  /** Numbers stand to the right. */
  readonly right: boolean
  /** Of its longest cell. */
  readonly most: number
  readonly words: readonly number[]
}

interface Layout {
  readonly gap: string
  readonly widths: readonly number[]
}

/** The titles are the keys of the first row. */
export function tableText(rows: readonly TableRow[], columns = Number.POSITIVE_INFINITY): string {
  const all = Object.keys(rows[0] ?? {}).map((title) => columnOf(title, rows))
  const layout = layoutOf(all, columns)
  if (layout === undefined) return rows.map((row) => listText(row, columns)).join('\n')
  const lines = [all.map(({ title }) => title), ...rows.map((_, i) => all.map(({ cells }) => cells[i] ?? ''))]
  return lines.map((cells) => lineText(cells, all, layout)).join('')
}

export async function printRows(output: Output, rows: readonly TableRow[], printed: Printed): Promise<void> {
  if (printed.json === true) await printJson(output, rows)
  else await output.out(rows.length === 0 ? `${printed.nothing}\n` : tableText(rows, output.columns))
}

export async function printJson(output: Pick<Output, 'out'>, document: unknown): Promise<void> {
  await output.out(`${JSON.stringify(document, null, 2)}\n`)
}

function columnOf(title: string, rows: readonly TableRow[]): Column {
  const cells = rows.map((row) => String(row[title] ?? ''))
  return {
    title,
    cells,
    right: rows.every((row) => typeof row[title] === 'number'),
    most: largest([title, ...cells].map((cell) => cell.length)),
    words: [title, ...cells.flatMap((cell) => cell.split(' '))].map((word) => word.length),
  }
}

function layoutOf(all: readonly Column[], columns: number): Layout | undefined {
  for (const { wordMax, gap } of WAYS) {
    const least = all.map(({ words }, i) => largest(words.map((word) => (i === 0 ? word : Math.min(word, wordMax)))))
    const widths = shrunk(
      all.map(({ most }) => most),
      least,
      columns - gap.length * (all.length - 1),
    )
    if (widths !== undefined) return { gap, widths }
  }
  return undefined
}

/** Of any number of them: a call takes only so many arguments. */
function largest(sizes: readonly number[]): number {
  return sizes.reduce((most, size) => Math.max(most, size), 0)
}

/** The widest one gives way first, down to its least; undefined where that is not enough. */
function shrunk(most: readonly number[], least: readonly number[], room: number): readonly number[] | undefined {
  const widths = [...most]
  for (let over = most.reduce((sum, width) => sum + width, 0) - room; over > 0; over--) {
    const yielding = widths.map((width, i) => (width > (least[i] ?? 0) ? width : 0))
    const widest = yielding.indexOf(Math.max(...yielding))
    if (yielding[widest] === 0) return undefined
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

function lineText(cells: readonly string[], all: readonly Column[], { gap, widths }: Layout): string {
  const wrappedCells = cells.map((cell, i) => wrapped(cell, widths[i] ?? 0))
  const height = Math.max(1, ...wrappedCells.map((lines) => lines.length))
  const line = (at: number): string => {
    const parts = wrappedCells.map((lines, i) => {
      const [text, width] = [lines[at] ?? '', widths[i] ?? 0]
      return all[i]?.right ? text.padStart(width) : text.padEnd(width)
    })
    return `${parts.join(gap).trimEnd()}\n`
  }
  return Array.from({ length: height }, (_, at) => line(at)).join('')
}

/** Title and cell, one below the other; words are left whole, so that they can be copied. */
function listText(row: TableRow, columns: number): string {
  const titles = Object.keys(row)
  const width = Math.max(...titles.map((title) => title.length))
  const lines = titles.flatMap((title) => {
    const [first = '', ...more] = wrapped(String(row[title]), Math.max(1, columns - width - GAP.length), false)
    return [title.padEnd(width) + GAP + first, ...more.map((text) => ' '.repeat(width) + GAP + text)]
  })
  return lines.map((text) => `${text.trimEnd()}\n`).join('')
}

/** At spaces where there are some, else, where words may be cut, in the middle of one. */
function wrapped(text: string, width: number, cutsWords = true): readonly string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > width) {
    const before = rest.lastIndexOf(' ', width)
    const space = before > 0 || cutsWords ? before : rest.indexOf(' ')
    const cut = space > 0 ? space : cutsWords ? width : rest.length
    lines.push(rest.slice(0, cut))
    rest = rest.slice(cut).trimStart()
  }
  return rest === '' && lines.length > 0 ? lines : [...lines, rest]
}
