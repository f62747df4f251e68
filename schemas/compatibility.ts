/** Whether a new schema can read what an older one wrote, and if not, why, in words. */

import avro, { type Type } from 'avsc'
import { TidemarkError } from '../services/core/errors.ts'

const { types } = avro

/** The reasons why a reader with `next` could not read data of `previous`; empty when it could. Both are JSON text; throws `schema-invalid`. */
export function incompatibilities(previous: string, next: string): readonly string[] {
  const writer = parsed(previous)
  const reader = parsed(next)
  const reasons = [...reasonsAt(reader.name ?? 'the schema', writer, reader)]
  const refused = refusal(writer, reader)
  return reasons.length === 0 && refused !== undefined ? [refused] : reasons
}

/** The schema as an avsc type; throws `schema-invalid` for what is none. */
export function parsed(text: string): Type {
  try {
    return avro.Type.forSchema(JSON.parse(text))
  } catch (error) {
    throw new TidemarkError('schema-invalid', error instanceof Error ? error.message : String(error), {}, error)
  }
}

/** The places where it fails, down to the fields; a record that holds itself is looked into once. */
function* reasonsAt(path: string, writer: Type, reader: Type, seen: Set<Type> = new Set()): Generator<string> {
  if (seen.has(reader) || refusal(writer, reader) === undefined) return
  if (writer instanceof types.RecordType && reader instanceof types.RecordType && sameName(writer, reader)) {
    seen.add(reader)
    for (const field of reader.fields) {
      const before = writer.fields.find(({ name }) => name === field.name || field.aliases.includes(name))
      if (before !== undefined) yield* reasonsAt(`${path}.${field.name}`, before.type, field.type, seen)
      else if (field.defaultValue() === undefined) {
        yield `${path}.${field.name} is new and has no default: records written before do not have it`
      }
    }
  } else if (writer instanceof types.ArrayType && reader instanceof types.ArrayType) {
    yield* reasonsAt(`${path}[]`, writer.itemsType, reader.itemsType, seen)
  } else if (writer instanceof types.MapType && reader instanceof types.MapType) {
    yield* reasonsAt(`${path}{}`, writer.valuesType, reader.valuesType, seen)
  } else {
    yield `${path} was ${shown(writer)} and is ${shown(reader)}, which can't read it`
  }
}

function sameName(writer: Type, reader: Type): boolean {
  return writer.name === reader.name || (reader.aliases ?? []).includes(writer.name ?? '')
}

function refusal(writer: Type, reader: Type): string | undefined {
  try {
    reader.createResolver(writer)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function shown(type: Type): string {
  return type.name ?? JSON.stringify(type.schema())
}
