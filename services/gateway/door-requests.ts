/** A gateway's door: takes the requests that bring readings, answers when the journal has them on disk. Knows no HTTP server. */

import type { Logger } from 'pino'
import { codeOf } from '../core/errors.ts'
import { precisionOf } from '../core/line-protocol.ts'
import type { Clock } from '../ports/clock.ts'
import type { AppendAnswer, Journal } from '../ports/journal.ts'
import {
  type Answer,
  appendFailure,
  type Counts,
  type Dialect,
  type Failure,
  failureAnswer,
  jsonAnswer,
  readingsAnswer,
  writeAnswer,
} from './door-answers.ts'
import type { Rejection } from './door-codes.ts'
import { type CheckedBody, checkJsonBody } from './door-json.ts'
import { checkLineBody } from './door-line-protocol.ts'
import { usageMeter } from './door-usage.ts'
import { type OfferRules, offerChecker } from './offers.ts'

export interface ReadingsRequest {
  readonly text: string
  readonly contentType: string
  /** `fingerprint` is a hash of the body. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string }
}

export interface WriteRequest {
  readonly text: string
  /** As in the query; nanoseconds when absent. */
  readonly precision: string | undefined
}

/** Never throws: whatever happens has an answer. */
export interface Door {
  readings(request: ReadingsRequest): Promise<Answer>
  write(request: WriteRequest): Promise<Answer>
  /** Backlog: count, bytes, oldest, time to full. */
  usage(): Answer
  health(): Answer
}

export interface DoorOptions extends OfferRules {
  readonly journal: Journal
  readonly clock: Clock
  readonly logger: Logger
}

type Appended =
  | { readonly kind: 'counts'; readonly counts: Counts }
  | { readonly kind: 'failure'; readonly failure: Failure }

const KEY_REUSED: Failure = {
  status: 422,
  code: 'idempotency-key-reused',
  reason: 'this Idempotency-Key came with another body before: use a new key for a new request',
}
const KEY_INVALID: Failure = {
  status: 400,
  code: 'idempotency-key-invalid',
  reason: 'Idempotency-Key must be 1 to 255 printable ASCII characters',
}

export function openDoor({ journal, clock, logger, types, undeclared }: DoorOptions): Door {
  const checker = offerChecker({ types, undeclared })
  const meter = usageMeter(journal, clock)
  let poisoned: string | undefined

  const append = async (
    { offers, rejected }: CheckedBody,
    idempotency?: ReadingsRequest['idempotency'],
  ): Promise<Appended> => {
    // Nothing to take: no transaction, and the key stays free for the mended request.
    if (offers.length === 0) return { kind: 'counts', counts: { accepted: 0, duplicates: 0, rejected } }
    try {
      const note = JSON.stringify(rejected)
      const answer = await journal.append(
        idempotency === undefined ? { offers } : { offers, idempotency: { ...idempotency, note } },
      )
      meter.sample()
      return settle(answer, rejected, idempotency?.fingerprint)
    } catch (error) {
      if (codeOf(error) === 'journal-poisoned') poisoned = String(error)
      const failure = appendFailure(error)
      if (failure.status === 500) logger.error({ err: error }, 'a door could not append to the journal')
      return { kind: 'failure', failure }
    }
  }

  return {
    readings: async ({ text, contentType, idempotency }) => {
      if (idempotency !== undefined && !/^[\x21-\x7e]{1,255}$/.test(idempotency.key)) {
        return failureAnswer(KEY_INVALID, 'tidemark')
      }
      const checked = checkJsonBody(text, contentType, checker)
      if ('code' in checked) return failureAnswer({ status: 400, ...checked }, 'tidemark')
      return answered(await append(checked, idempotency), 'tidemark')
    },
    write: async ({ text, precision }) => {
      const unit = precisionOf(precision)
      if (unit === undefined) {
        const reason = `precision must be ns, us, ms or s; came ${precision}`
        return failureAnswer({ status: 400, code: 'precision-unknown', reason }, 'influxdb')
      }
      return answered(await append(checkLineBody(text, unit, checker)), 'influxdb')
    },
    usage: () => jsonAnswer(200, meter.report()),
    health: () => healthAnswer(poisoned),
  }
}

function settle(answer: AppendAnswer, rejected: readonly Rejection[], fingerprint: string | undefined): Appended {
  const { accepted, duplicates, repeated } = answer
  if (repeated === undefined) return { kind: 'counts', counts: { accepted, duplicates, rejected } }
  if (repeated.fingerprint !== fingerprint) return { kind: 'failure', failure: KEY_REUSED }
  return {
    kind: 'counts',
    counts: { accepted, duplicates, rejected: JSON.parse(repeated.note) as readonly Rejection[] },
  }
}

function answered(appended: Appended, dialect: Dialect): Answer {
  if (appended.kind === 'failure') return failureAnswer(appended.failure, dialect)
  return dialect === 'influxdb' ? writeAnswer(appended.counts) : readingsAnswer(appended.counts)
}

/** In the shape of InfluxDB's own, which its clients ask for before they write. */
function healthAnswer(poisoned: string | undefined): Answer {
  const ok = poisoned === undefined
  return jsonAnswer(ok ? 200 : 503, {
    name: 'tidemark',
    message: ok ? 'ready for readings' : poisoned,
    status: ok ? 'pass' : 'fail',
    checks: [{ name: 'journal', status: ok ? 'pass' : 'fail' }],
  })
}
