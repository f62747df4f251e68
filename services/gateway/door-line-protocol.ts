/** Reads the body of InfluxDB's write requests: every line on its own, so that a bad one costs only itself. */

import { LineFault, lineEnd, type Precision, parseLine } from '../core/line-protocol.ts'
import type { Offer } from '../ports/journal.ts'
import { Refusal, type Rejection, refusal } from './door-codes.ts'
import type { CheckedBody } from './door-json.ts'
import type { OfferChecker } from './offers.ts'

const HASH = 35
const SHOWN_MAX = 120

/** `index` of a rejection is the number of the line, from 1. A text that is never closed takes the lines after it along, as in InfluxDB. */
export function checkLineBody(body: string, precision: Precision, checker: OfferChecker): CheckedBody {
  const offers: Offer[] = []
  const rejected: Rejection[] = []
  let lineNumber = 1
  for (let from = skipBlank(body, 0); from < body.length; ) {
    const found = lineEnd(body, from)
    const end = found < 0 ? body.length : found
    if (body.charCodeAt(from) !== HASH && end > from) {
      const checked = checkLine(body.slice(from, end), precision, checker)
      if (checked instanceof Refusal) rejected.push({ index: lineNumber, code: checked.code, reason: checked.reason })
      else if (checked !== undefined) offers.push(checked)
    }
    lineNumber += 1 + breaksIn(body, from, end)
    from = skipBlank(body, end + 1)
  }
  return { offers, rejected }
}

function checkLine(line: string, precision: Precision, checker: OfferChecker): Offer | Refusal | undefined {
  if (line.trim() === '') return undefined
  const point = parseLine(line, precision)
  const checked = point instanceof LineFault ? refusal(point.code, point.reason) : checker.fromPoint(point)
  if (!(checked instanceof Refusal)) return checked
  const shown = line.length > SHOWN_MAX ? `${line.slice(0, SHOWN_MAX)}…` : line.trimEnd()
  return new Refusal(checked.code, `unable to parse '${shown}': ${checked.reason}`)
}

/** Spaces before a line don't belong to it. */
function skipBlank(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9) at++
  return at
}

function breaksIn(text: string, from: number, end: number): number {
  let breaks = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) breaks++
  return breaks
}
