/** Why a door refuses a reading: one table of codes, each with the sentence that tells its sender what was expected. */

const TABLE = {
  'not-an-object': 'a reading is a JSON object {type, sensor, time?, values, labels?}',
  'not-json': 'the line is not JSON',
  'line-invalid': 'the line is not line protocol',
  'key-unknown': 'a reading has type, sensor, time, values and labels, and nothing else',
  'type-missing': 'type must be a text: the name of a message type',
  'sensor-missing': 'sensor must be a text: the name of a sensor',
  'name-invalid': 'a name is 1 to 128 characters of letters, digits and ._:=,@+%-, and begins with a letter or a digit',
  'type-undeclared': 'this gateway takes declared message types only (UNDECLARED_TYPES=refuse)',
  'time-invalid': 'time must be RFC 3339 with a zone and at most nine decimals, or an integer of nanoseconds in a text',
  'time-without-zone': 'time needs a zone: add Z, or an offset such as +02:00',
  'values-missing': 'values must be an object of field names and values',
  'values-empty': 'a reading needs at least one value that is not null',
  'field-missing': 'a required field of the type is absent',
  'field-unknown': 'the type has no such field',
  'value-wrong-type': 'the value does not fit its field',
  'value-not-finite': 'NaN and infinite numbers are no measurements',
  'integer-too-large': 'an integer must lie within ±9007199254740991',
  'label-invalid':
    'labels is an object of texts: names of 1 to 128 and values of 1 to 1,024 characters, without control characters',
  'label-reserved':
    'a label of a declared type must not be named gateway, sensor, type, time or like one of its fields',
  'reading-too-large': 'one reading is at most 870,000 bytes encoded, so that its batch fits a record of the log',
} as const satisfies Record<string, string>

export type RefusalCode = keyof typeof TABLE

/** A reading that was not taken. It consumes no position. */
export class Refusal {
  readonly code: RefusalCode
  readonly reason: string

  constructor(code: RefusalCode, reason: string) {
    this.code = code
    this.reason = reason
  }
}

/** `index` counts the readings of the request from 0, refused ones too; of line protocol it is the line's number, from 1. */
export interface Rejection {
  readonly index: number
  readonly code: RefusalCode
  readonly reason: string
}

/** `came` says what stood there instead. */
export function refusal(code: RefusalCode, came = ''): Refusal {
  return new Refusal(code, came === '' ? TABLE[code] : `${TABLE[code]}: ${came}`)
}

/** What came, cut to a length that a log line and an answer can bear. */
export function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}
