/** Columns of readings by time, thinned so that no extreme is lost: of each stretch of time, every field's least and greatest stay. */

export interface Columns {
  readonly timeMs: number[]
  readonly fields: Map<string, (number | null)[]>
  readonly recovered: boolean[]
}

export function emptyColumns(): Columns {
  return { timeMs: [], fields: new Map(), recovered: [] }
}

/** `values` may lack fields that came before, and bring new ones: then the others are `null` there. */
export function addRow(
  { timeMs, fields, recovered }: Columns,
  ms: number,
  values: Iterable<readonly [field: string, value: number]>,
  isRecovered: boolean,
): void {
  const row = timeMs.push(ms) - 1
  recovered.push(isRecovered)
  for (const [field, value] of values) {
    let column = fields.get(field)
    if (column === undefined) {
      column = []
      fields.set(field, column)
    }
    while (column.length < row) column.push(null)
    column[row] = value
  }
}

/** At most about `points` rows, in the order given. */
export function thinned(columns: Columns, points: number): Columns {
  const { timeMs, fields, recovered } = columns
  const rows = timeMs.length <= points ? timeMs.map((_, row) => row) : chosenRows(columns, points)
  return {
    timeMs: rows.map((row) => timeMs[row] ?? 0),
    fields: new Map([...fields].map(([field, column]) => [field, rows.map((row) => column[row] ?? null)])),
    recovered: rows.map((row) => recovered[row] ?? false),
  }
}

function chosenRows(columns: Columns, points: number): readonly number[] {
  const { timeMs, fields } = columns
  const perStretch = Math.max(1, 2 * fields.size)
  const stretches = Math.max(1, Math.floor(points / perStretch))
  const firstMs = timeMs[0] ?? 0
  const stretchMs = Math.max(1, ((timeMs.at(-1) ?? 0) - firstMs + 1) / stretches)
  const chosen = new Set<number>()
  let from = 0
  for (let row = 1; row <= timeMs.length; row++) {
    const isSame = row < timeMs.length && stretchOf(row) === stretchOf(from)
    if (isSame) continue
    for (const each of extremes(fields.values(), from, row)) chosen.add(each)
    from = row
  }
  return [...chosen].sort((x, y) => x - y)

  function stretchOf(row: number): number {
    return Math.floor(((timeMs[row] ?? 0) - firstMs) / stretchMs)
  }
}

/** The first row where no field has a value. */
function extremes(columns: Iterable<readonly (number | null)[]>, from: number, to: number): readonly number[] {
  const rows: number[] = []
  for (const column of columns) {
    let [least, greatest] = [-1, -1]
    for (let row = from; row < to; row++) {
      const value = column[row] ?? null
      if (value === null) continue
      if (least < 0 || value < (column[least] ?? 0)) least = row
      if (greatest < 0 || value > (column[greatest] ?? 0)) greatest = row
    }
    if (least >= 0) rows.push(least, greatest)
  }
  return rows.length === 0 ? [from] : rows
}
