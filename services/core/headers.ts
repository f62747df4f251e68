/** The headers of `readings` and `recovery_data` records: the facts of the batch for readers that need no values. They never settle a position. */

import { type Epoch, type Range, SEQ_MAX, type Seq } from '../../schemas/reading.ts'
import type { Final, LiveMark, Mark, ReadingBatch } from '../../schemas/records/batch.ts'
import type { EpochRanges } from '../../schemas/records/events.ts'
import { rangesOf } from './range-set.ts'

export type Headers = Readonly<Record<string, string>>

const EPOCH = /^[0-9a-f]{16}$|^window:[0-9a-f-]{36}$/

/** `sent` counts the records that the live lane made in this epoch: by it a copy that was appended late is told from the newest mark. */
export function headersOf(record: ReadingBatch | LiveMark, sent?: number): Headers {
  const out: Record<string, string> = { kind: record.kind, epoch: record.epoch }
  if (sent !== undefined) out.sent = String(sent)
  const mark = record.mark
  if (mark !== undefined) {
    if (mark.highWater !== null) out.high_water = String(mark.highWater)
    out.head = String(mark.head)
    if (mark.finals.length > 0) out.finals = mark.finals.map((each) => `${each.epoch}:${each.finalSeq}`).join(',')
  }
  if (record.kind === 'mark') return out
  out.ranges = formatRanges(rangesOf(record.readings.map((each) => each.seq)))
  if (record.answer !== undefined) {
    out.request_id = record.answer.requestId
    out.part = String(record.answer.part)
    if (record.answer.lastPart) out.last_part = '1'
  }
  return out
}

/** What a record of `readings` says of the mark; undefined where the headers are not ours. */
export function markFromHeaders(
  headers: Headers,
): (Mark & { readonly epoch: Epoch; readonly sent?: number }) | undefined {
  const epoch = epochFrom(headers.epoch)
  if (epoch === undefined) return undefined
  const highWater = headers.high_water === undefined ? null : seqFrom(headers.high_water)
  const head = seqFrom(headers.head)
  if (highWater === undefined || head === undefined) return undefined
  const finals: Final[] = []
  for (const text of (headers.finals ?? '').split(',').filter((each) => each !== '')) {
    const colon = text.lastIndexOf(':')
    const of = epochFrom(text.slice(0, colon))
    const finalSeq = seqFrom(text.slice(colon + 1))
    if (of === undefined || finalSeq === undefined) return undefined
    finals.push({ epoch: of, finalSeq })
  }
  const sent = headers.sent === undefined ? null : seqFrom(headers.sent)
  if (sent === undefined) return undefined
  return { epoch, highWater, head, finals, ...(sent === null ? {} : { sent }) }
}

export function answerFromHeaders(
  headers: Headers,
): { readonly requestId: string; readonly part: number; readonly lastPart: boolean } | undefined {
  const requestId = headers.request_id
  const part = seqFrom(headers.part)
  if (requestId === undefined || part === undefined) return undefined
  return { requestId, part, lastPart: headers.last_part === '1' }
}

export function rangesFromHeaders(headers: Headers): EpochRanges | undefined {
  const epoch = epochFrom(headers.epoch)
  const ranges = parseRanges(headers.ranges ?? '')
  return epoch === undefined || ranges === undefined || ranges.length === 0 ? undefined : { epoch, ranges }
}

/** `1-500,700` */
export function formatRanges(ranges: readonly Range[]): string {
  return ranges.map(([a, b]) => (a === b ? String(a) : `${a}-${b}`)).join(',')
}

/** Also `501-`, which has no end. Undefined where the text is not ranges. */
export function parseRanges(text: string): readonly Range[] | undefined {
  const out: Range[] = []
  for (const part of text.split(',').filter((each) => each !== '')) {
    const [from, to, more] = part.split('-')
    const a = seqFrom(from)
    const b = to === undefined ? a : to === '' ? SEQ_MAX : seqFrom(to)
    if (a === undefined || b === undefined || more !== undefined || b < a) return undefined
    out.push([a, b])
  }
  return out
}

function seqFrom(text: string | undefined): Seq | undefined {
  if (text === undefined || !/^[0-9]{1,16}$/.test(text)) return undefined
  const seq = Number(text)
  return Number.isSafeInteger(seq) ? seq : undefined
}

function epochFrom(text: string | undefined): Epoch | undefined {
  return text !== undefined && EPOCH.test(text) ? (text as Epoch) : undefined
}
