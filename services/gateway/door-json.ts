/** Reads the body of `POST /readings`: a JSON array, one object, or NDJSON. */

import type { Offer } from '../ports/journal.ts'
import { Refusal, type Rejection, refusal } from './door-codes.ts'
import type { OfferChecker } from './offers.ts'

export interface CheckedBody {
  readonly offers: readonly Offer[]
  readonly rejected: readonly Rejection[]
}

export interface BodyFault {
  readonly code: 'body-empty' | 'body-not-json'
  readonly reason: string
}

const SHAPE = 'the body must be a JSON array of readings, one reading, or NDJSON'

/** NDJSON by content type, or where the text begins with `{` and is not one JSON value. Empty lines don't count. */
export function checkJsonBody(body: string, contentType: string, checker: OfferChecker): CheckedBody | BodyFault {
  const text = body.charCodeAt(0) === 0xfeff ? body.slice(1) : body
  const first = /[^ \t\r\n]/.exec(text)?.[0]
  if (first === undefined) return { code: 'body-empty', reason: `${SHAPE}; it is empty` }
  if (/ndjson|jsonl|json-lines|json-seq/i.test(contentType)) return checkLines(text, checker)
  if (first !== '[' && first !== '{') return { code: 'body-not-json', reason: `${SHAPE}; it begins with ${first}` }
  const whole = parse(text)
  if (!(whole instanceof SyntaxError)) return checkItems(Array.isArray(whole) ? whole : [whole], checker)
  if (first === '[') return { code: 'body-not-json', reason: `${SHAPE}: ${whole.message}` }
  const checked = checkLines(text, checker)
  const nothingParsed = checked.offers.length === 0 && checked.rejected.every(({ code }) => code === 'not-json')
  return nothingParsed ? { code: 'body-not-json', reason: `${SHAPE}: ${whole.message}` } : checked
}

function checkItems(items: readonly unknown[], checker: OfferChecker): CheckedBody {
  const offers: Offer[] = []
  const rejected: Rejection[] = []
  for (let index = 0; index < items.length; index++) {
    const checked = checker.fromJson(items[index])
    if (checked instanceof Refusal) rejected.push({ index, code: checked.code, reason: checked.reason })
    else offers.push(checked)
  }
  return { offers, rejected }
}

function checkLines(text: string, checker: OfferChecker): CheckedBody {
  const offers: Offer[] = []
  const rejected: Rejection[] = []
  let index = 0
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    if (trimmed === '') continue
    const item = parse(trimmed)
    const checked = item instanceof SyntaxError ? refusal('not-json', item.message) : checker.fromJson(item)
    if (checked instanceof Refusal) rejected.push({ index, code: checked.code, reason: checked.reason })
    else offers.push(checked)
    index++
  }
  return { offers, rejected }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return error instanceof SyntaxError ? error : new SyntaxError(String(error))
  }
}
