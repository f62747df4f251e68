/** Splits CSV (RFC 4180) into rows as the text comes in: quotes, line feeds in quotes, CRLF, and a bad row that costs only itself. */

/** Null is a cell with nothing in it; an empty text is one with two quotes. */
export type Cells = readonly (string | null)[]

export type CsvRow =
  | { readonly line: number; readonly cells: Cells }
  | { readonly line: number; readonly code: 'row-invalid'; readonly reason: string }

/** A quote that is never closed would swallow the rest of the file, so a row is at most this long. */
const ROW_CHARS_MAX = 262_144

const TOO_LONG = { reason: `a row is at most ${ROW_CHARS_MAX} characters long` }

type Scan = { readonly end: number; readonly cells: Cells } | 'unfinished' | { readonly reason: string }

export class CsvRows {
  #text = ''
  #line = 1
  #delimiter = ''

  /** Rows that are whole by now. Of the last call, `isLast`, everything that is left. Empty lines are no rows. */
  push(chunk: string, isLast = false): readonly CsvRow[] {
    this.#text += chunk
    const rows: CsvRow[] = []
    let from = 0
    while (from < this.#text.length) {
      const feed = this.#text.indexOf('\n', from)
      const mustEnd = isLast || this.#text.length - from >= ROW_CHARS_MAX
      if (feed < 0 && !mustEnd) break
      const lineEnd = feed < 0 ? this.#text.length : feed
      const scan = feed < 0 && !isLast ? TOO_LONG : this.#scan(from, lineEnd)
      // A row that reaches the end of what is here may go on in the next chunk, as may a quote there.
      const open = scan === 'unfinished' || (!('reason' in scan) && scan.end >= this.#text.length && !isLast)
      if (open && !mustEnd) break
      from = this.#take(rows, open && !isLast ? 'unfinished' : scan, from, lineEnd)
    }
    this.#text = this.#text.slice(from)
    return rows
  }

  #scan(from: number, lineEnd: number): Scan {
    if (this.#delimiter === '') this.#delimiter = delimiterOf(this.#text.slice(from, lineEnd))
    return scanRow(this.#text, from, lineEnd, this.#delimiter)
  }

  /** After a bad row it goes on at the next line, so that an open quote takes no neighbour along. */
  #take(rows: CsvRow[], scan: Scan, from: number, lineEnd: number): number {
    const line = this.#line
    if (scan === 'unfinished' || 'reason' in scan) {
      const reason = scan === 'unfinished' ? 'a quote is opened and never closed' : scan.reason
      rows.push({ line, code: 'row-invalid', reason })
      this.#line++
      return lineEnd + 1
    }
    if (scan.cells.length > 1 || scan.cells[0] !== null) rows.push({ line, cells: scan.cells })
    this.#line += countFeeds(this.#text, from, scan.end) + 1
    return scan.end + 1
  }
}

function scanRow(text: string, from: number, lineEnd: number, delimiter: string): Scan {
  const end = text.charCodeAt(lineEnd - 1) === 13 && lineEnd > from ? lineEnd - 1 : lineEnd
  const plain = text.slice(from, end)
  if (plain.includes('"')) return scanQuoted(text, from, delimiter)
  return { end: lineEnd, cells: plain.split(delimiter).map((cell) => (cell === '' ? null : cell)) }
}

function scanQuoted(text: string, from: number, delimiter: string): Scan {
  const cells: (string | null)[] = []
  for (let at = from; ; ) {
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1)
      if (close < 0) return 'unfinished'
      cells.push(text.slice(at + 1, close).replaceAll('""', '"'))
      at = close + 1
    } else {
      const end = plainEnd(text, at, delimiter)
      const cell = text.slice(at, text[end] === '\n' && text[end - 1] === '\r' ? Math.max(at, end - 1) : end)
      cells.push(cell === '' ? null : cell)
      at = end
    }
    if (text[at] === '\r' && (text[at + 1] === '\n' || at + 1 === text.length)) at++
    if (at >= text.length || text[at] === '\n') return { end: at, cells }
    if (text[at] !== delimiter) return { reason: `after a closing quote comes ${JSON.stringify(text[at])}` }
    at++
  }
}

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) if (text[at + 1] !== '"') return at
  return -1
}

function plainEnd(text: string, from: number, delimiter: string): number {
  let at = from
  while (at < text.length && text[at] !== delimiter && text[at] !== '\n') at++
  return at
}

/** What stands most often in the header: a comma, a semicolon or a tab. */
function delimiterOf(header: string): string {
  const count = (char: string): number => header.split(char).length
  return [';', '\t'].reduce((best, char) => (count(char) > count(best) ? char : best), ',')
}

function countFeeds(text: string, from: number, end: number): number {
  let feeds = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) feeds++
  return feeds
}
