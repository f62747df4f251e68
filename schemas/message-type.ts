/** A message type: the kind of a reading, with a typed Avro schema of its values. */

import { TidemarkError } from '../services/core/errors.ts'
import { isName } from './names.ts'
import type { ValueKind, Values } from './reading.ts'

export interface ValueField {
  readonly name: string
  readonly kind: ValueKind
  /** May be absent from a reading (`["null", …]` in Avro). */
  readonly optional: boolean
}

export interface MessageType {
  readonly name: string
  readonly doc: string
  /** In the order of the schema. */
  readonly fields: readonly ValueField[]
  /** The Avro schema of the values, as in `types/NAME.avsc`. */
  readonly valuesSchema: object
}

export type MessageTypes = ReadonlyMap<string, MessageType>

const FIELDS_MAX = 256
const KINDS: Readonly<Record<string, ValueKind>> = {
  double: 'double',
  long: 'integer',
  boolean: 'boolean',
  string: 'string',
}
const AVRO_NAME = /^[A-Za-z][A-Za-z0-9_]*$/
/** `none` is the type of an answer without readings. */
const RESERVED_TYPES = new Set(['none'])
/** What readings and stores already call something else. */
const RESERVED_FIELDS = new Set(['gateway', 'sensor', 'time'])
const ALLOWED =
  'a field is double, long, boolean or string, or ["null", one of these] with "default": null when a reading may come without it'

/** `fileName` is `NAME.avsc`, with or without folders. Throws `schema-invalid` with every reason found. */
export function parseMessageType(json: unknown, fileName: string): MessageType {
  const name = (fileName.split(/[\\/]/).at(-1) ?? '').replace(/\.avsc$/, '')
  const problems: string[] = []
  const type = readRecord(json, name, problems)
  if (type !== undefined && problems.length === 0) return type
  throw new TidemarkError('schema-invalid', `${fileName}: ${problems.join('; ')}`, { fileName, problems })
}

/** Whether every value stands in the type with its kind, and none the type needs is absent. */
export function conforms(type: MessageType, values: Values): boolean {
  let present = 0
  for (const field of type.fields) {
    const value = values[field.name]
    if (value === undefined) {
      if (!field.optional) return false
    } else {
      if (typeof value !== TYPE_OF[field.kind]) return false
      present++
    }
  }
  for (const _name in values) present--
  return present === 0
}

/** `typeof` of a value of the kind. */
const TYPE_OF: Readonly<Record<ValueKind, 'number' | 'bigint' | 'boolean' | 'string'>> = {
  double: 'number',
  integer: 'bigint',
  boolean: 'boolean',
  string: 'string',
}

function readRecord(json: unknown, name: string, problems: string[]): MessageType | undefined {
  if (!isObject(json) || json.type !== 'record' || !Array.isArray(json.fields)) {
    problems.push('expected {"type": "record", "name": …, "fields": […]}')
    return undefined
  }
  if (json.name !== name) problems.push(`the record's name ${JSON.stringify(json.name)} is not the file's, ${name}`)
  if (!AVRO_NAME.test(name) || !isName(name)) {
    problems.push(`${JSON.stringify(name)} is no name of a type: a letter, then at most 127 letters, digits or _`)
  }
  if (RESERVED_TYPES.has(name)) problems.push(`the name ${name} is taken`)
  if (json.aliases !== undefined) problems.push('aliases are not taken: a renamed type is a new type')
  if (json.fields.length === 0) problems.push('it has no fields')
  if (json.fields.length > FIELDS_MAX) problems.push(`it has more than ${FIELDS_MAX} fields`)
  const fields = json.fields.flatMap((field: unknown) => readField(field, problems))
  const names = fields.map((field) => field.name)
  for (const twice of new Set(names.filter((n, i) => names.indexOf(n) !== i)))
    problems.push(`field ${twice} stands twice`)
  return { name, doc: typeof json.doc === 'string' ? json.doc : '', fields, valuesSchema: json }
}

function readField(json: unknown, problems: string[]): ValueField[] {
  if (!isObject(json) || typeof json.name !== 'string') {
    problems.push('a field is not {"name": …, "type": …}')
    return []
  }
  const name = json.name
  const shown = `field ${JSON.stringify(name)}`
  if (!AVRO_NAME.test(name) || !isName(name)) {
    problems.push(`${shown} is no name of a field: a letter, then at most 127 letters, digits or _`)
  }
  if (RESERVED_FIELDS.has(name))
    problems.push(`${shown} is taken: ${[...RESERVED_FIELDS].join(', ')} say something else`)
  if (json.aliases !== undefined) problems.push(`${shown} has aliases: a renamed field is a new field`)
  const type = json.type
  const optional = Array.isArray(type) && type.length === 2 && type[0] === 'null'
  const inner: unknown = optional ? type[1] : type
  const kind = typeof inner === 'string' && Object.hasOwn(KINDS, inner) ? KINDS[inner] : undefined
  if (kind === undefined) {
    problems.push(`${shown} is ${JSON.stringify(type)?.slice(0, 80)}: ${ALLOWED}`)
    return []
  }
  if (optional && json.default !== null) problems.push(`${shown} may be absent, so it needs "default": null`)
  if (!optional && json.default !== undefined) {
    problems.push(`${shown} has a default, which nobody measured: let it be absent instead; ${ALLOWED}`)
  }
  return [{ name, kind, optional }]
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
