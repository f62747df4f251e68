/** How Avro schemas are written here: records with a doc on every field, each named type spelled out once. */

export type AvroSchema = string | AvroNode | readonly AvroSchema[]
export interface AvroNode {
  readonly type: string
  readonly [attribute: string]: unknown
}
export interface AvroField {
  readonly name: string
  readonly type: AvroSchema
  readonly doc: string
  readonly default?: unknown
}

/** `name` is a full one, `tidemark.LiveMark`. */
export function record(name: string, doc: string, fields: readonly AvroField[]): AvroNode {
  const dot = name.lastIndexOf('.')
  return { type: 'record', namespace: name.slice(0, dot), name: name.slice(dot + 1), doc, fields }
}

export function field(name: string, type: AvroSchema, doc: string): AvroField {
  return { name, type, doc }
}

/** May be absent; absent in records written before the field was there. */
export function optional(name: string, type: AvroSchema, doc: string): AvroField {
  return { name, type: ['null', type], doc, default: null }
}

export function arrayOf(items: AvroSchema): AvroNode {
  return { type: 'array', items }
}

export function mapOf(values: AvroSchema): AvroNode {
  return { type: 'map', values }
}

/** Words as symbols: Avro allows no `-` in them, so it is written `_`. */
export function enumOf(name: string, words: readonly string[]): AvroNode {
  const dot = name.lastIndexOf('.')
  return {
    type: 'enum',
    namespace: name.slice(0, dot),
    name: name.slice(dot + 1),
    symbols: words.map((word) => word.replaceAll('-', '_')),
  }
}

export function fixed(name: string, size: number): AvroNode {
  const dot = name.lastIndexOf('.')
  return { type: 'fixed', namespace: name.slice(0, dot), name: name.slice(dot + 1), size }
}

export const TIME: AvroNode = { type: 'long', logicalType: 'timestamp-millis' }

/** The schema as JSON text, ready for a registry: a named type is spelled out where it stands first, and named from then on. */
export function schemaText(schema: AvroSchema): string {
  return JSON.stringify(spelledOnce(schema, new Set()))
}

export function fullName(node: AvroNode): string {
  return `${String(node.namespace)}.${String(node.name)}`
}

function spelledOnce(schema: unknown, seen: Set<string>): unknown {
  if (Array.isArray(schema)) return schema.map((branch) => spelledOnce(branch, seen))
  if (!isNode(schema)) return schema
  if (schema.name !== undefined) {
    const name = fullName(schema)
    if (seen.has(name)) return name
    seen.add(name)
  }
  const copy: Record<string, unknown> = { ...schema }
  if (schema.items !== undefined) copy.items = spelledOnce(schema.items, seen)
  if (schema.values !== undefined) copy.values = spelledOnce(schema.values, seen)
  if (Array.isArray(schema.fields)) {
    copy.fields = schema.fields.map((f: AvroField) => ({ ...f, type: spelledOnce(f.type, seen) }))
  }
  return copy
}

function isNode(schema: unknown): schema is AvroNode {
  return typeof schema === 'object' && schema !== null
}
