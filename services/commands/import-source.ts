/** What every format of an import hands on, and what all of them are told. */

import type { ValueField } from '../../schemas/message-type.ts'
import type { TimeReader } from './import-time.ts'

/** `text` is one reading as the door takes it. `line` counts from 1 in the decompressed file. */
export type ImportItem =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly code: string; readonly reason: string }

export interface ImportRules {
  readonly type: string | undefined
  readonly sensor: string | undefined
  readonly sensorColumn: string | undefined
  readonly timeColumn: string | undefined
  readonly labelColumns: readonly string[]
  readonly skipColumns: readonly string[]
  readonly time: TimeReader
  /** Fields of a message type, undefined when the gateway does not know it. */
  fieldsOf(type: string): readonly ValueField[] | undefined
  /** Said to the user: what was guessed. */
  note(text: string): void
}

/** Text in, in chunks of any size; items out, in bounded arrays. */
export type ImportFormat = (text: AsyncIterable<string>, rules: ImportRules) => AsyncIterable<readonly ImportItem[]>

/** First those that can only be a time. */
const TIME_NAMES = [
  'timestamp',
  'datetime',
  'date_time',
  'date time',
  '_time',
  'measured_at',
  'time',
  'date',
  'ts',
  'day',
  'zeit',
  'datum',
]

/** The column that is most likely the time, by its name. */
export function guessTimeColumn(names: readonly string[]): string | undefined {
  const lower = names.map((name) => name.toLowerCase())
  const found = TIME_NAMES.find((name) => lower.includes(name))
  if (found !== undefined) return names[lower.indexOf(found)]
  return names.find((name) => /(^|[_ -])(time|timestamp|date)($|[_ -])/i.test(name))
}
