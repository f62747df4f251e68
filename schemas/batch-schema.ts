/** Avro types of batches as avsc runs them: integer values are bigints, and old batches are read by what the batch schema is today. */

import avro, { type Type } from 'avsc'
import { schemaText } from './avro.ts'
import { batchSchema } from './compose.ts'
import { parseMessageType } from './message-type.ts'

const INTEGER_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** Integers within ±(2⁵³−1): avsc's own long stops two short of that and gives numbers, which could not be told from doubles. */
const INTEGER = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => inRange(bytes.readBigInt64LE()),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: (json: number) => BigInt(json),
  toJSON: (value: bigint) => Number(value),
  isValid: (value: unknown) => typeof value === 'bigint' && value >= -INTEGER_MAX && value <= INTEGER_MAX,
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

/** The Avro type of a schema text; integers among the values of readings come as bigints. Throws what avsc throws. */
export function avroTypeOf(text: string): Type {
  return avro.Type.forSchema(withIntegers(JSON.parse(text)) as avro.Type, { omitRecordMethods: true })
}

/**
 * Today's batch schema around the values of a writer's: what surrounds the readings may have changed since, but values are read as they were
 * written, because the digest covers them. Throws `schema-invalid` for values no type may have.
 */
export function batchReaderText(type: string, writerText: string): string {
  return schemaText(batchSchema(parseMessageType(valuesIn(JSON.parse(writerText)), `${type}.avsc`)))
}

function inRange(value: bigint): bigint {
  if (value < -INTEGER_MAX || value > INTEGER_MAX) throw new RangeError(`integer ${value} is beyond 2^53-1`)
  return value
}

function valuesIn(schema: unknown): unknown {
  return typeOfField(itemsOf(typeOfField(schema, 'readings')), 'values')
}

/** The schema with every `long` of the values exchanged. */
function withIntegers(schema: unknown): unknown {
  return mapField(schema, 'readings', (readings) => ({
    ...(readings as object),
    items: mapField(itemsOf(readings), 'values', integersOf),
  }))
}

function integersOf(values: unknown): unknown {
  if (!isObject(values)) return values
  if (values.type === 'map') return { ...values, values: exchanged(values.values) }
  if (!Array.isArray(values.fields)) return values
  return { ...values, fields: values.fields.map((field) => ({ ...field, type: exchanged(field.type) })) }
}

function exchanged(type: unknown): unknown {
  if (type === 'long') return INTEGER
  return Array.isArray(type) ? type.map(exchanged) : type
}

function mapField(schema: unknown, name: string, change: (type: unknown) => unknown): unknown {
  if (!isObject(schema) || !Array.isArray(schema.fields)) return schema
  const fields = schema.fields.map((field) => (field.name === name ? { ...field, type: change(field.type) } : field))
  return { ...schema, fields }
}

function typeOfField(schema: unknown, name: string): unknown {
  if (!isObject(schema) || !Array.isArray(schema.fields)) return undefined
  return schema.fields.find((field) => field.name === name)?.type
}

function itemsOf(schema: unknown): unknown {
  return isObject(schema) ? schema.items : undefined
}

function isObject(json: unknown): json is {
  readonly type?: unknown
  readonly items?: unknown
  readonly values?: unknown
  readonly fields?: readonly { readonly name: unknown; readonly type: unknown }[]
} {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
