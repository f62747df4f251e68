/** The codec: a zero byte, the id of the schema at the registry, the Avro body. */

import { codeOf, TidemarkError } from '../services/core/errors.ts'
import type { SchemaRegistry } from '../services/ports/schema-registry.ts'
import type { Decoded, TopicRecords, WireCodec } from './codec.ts'
import type { MessageTypes } from './message-type.ts'
import { QUARANTINE_BYTES_MAX, RECORD_BYTES_MAX } from './reading-bytes.ts'
import { belongs, type Reader, readerOf, undecodable } from './wire-readers.ts'
import { toWire, type Writer, writers } from './wire-writers.ts'

export { READINGS_BYTES_MAX, readingBytes } from './reading-bytes.ts'

const HEADER_BYTES = 5
/** No log of ours takes more; a foreign one might. */
const DECODED_BYTES_MAX = 2_097_152

type Topic = keyof TopicRecords
type Registry = Pick<SchemaRegistry, 'register' | 'byId'>

/** Schemas are registered when first written by and looked up when first met. Throws what avsc throws for a declared type it can't take. */
export async function openWireCodec(registry: Registry, types: MessageTypes): Promise<WireCodec> {
  const writerOf = writers(types)
  const idOf = registration(registry)
  const readerFor = lookup(registry)
  return {
    encode: async (topic, record) => {
      const writer = writerOf(topic, record)
      return encoded(topic, writer, await idOf(`${topic}-${writer.name}`, writer.text), toWire(topic, record))
    },
    decode: async <T extends Topic>(topic: T, bytes: Uint8Array) => {
      if (bytes.length <= HEADER_BYTES || bytes[0] !== 0) {
        return undecodable(
          "it does not begin with a zero byte, a schema id and a body, as the registry's wire format does",
        )
      }
      if (bytes.length > DECODED_BYTES_MAX) return undecodable(`it has ${bytes.length} bytes`)
      const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
      const reader = await readerFor(id)
      if (typeof reader === 'string') return unknownSchema(reader)
      if (!belongs(topic, reader.name))
        return unknownSchema(`schema ${id} is ${reader.name}, which has no place on ${topic}`)
      // The topic decides which records are let through, so what is read is one of its own.
      return reader.read(bytes, HEADER_BYTES) as Decoded<TopicRecords[T]>
    },
  }
}

/** Written into one buffer that grows as needed, and copied out of it. */
let scratch = Buffer.allocUnsafe(131_072)

function encoded(topic: Topic, { type, name }: Writer, id: number, wire: unknown): Uint8Array {
  const bytesMax = topic === 'quarantine' ? QUARANTINE_BYTES_MAX : RECORD_BYTES_MAX
  let end = written(type, wire, name)
  if (end < 0) {
    // Negative: by so much the buffer is too short.
    const bytes = scratch.length - end
    if (bytes > bytesMax) throw tooLarge(topic, bytes, bytesMax)
    scratch = Buffer.allocUnsafe(Math.max(bytes, 2 * scratch.length))
    end = written(type, wire, name)
  }
  if (end > bytesMax) throw tooLarge(topic, end, bytesMax)
  scratch[0] = 0
  scratch.writeUInt32BE(id, 1)
  return new Uint8Array(scratch.subarray(0, end))
}

function written(type: Writer['type'], wire: unknown, name: string): number {
  try {
    return type.encode(wire, scratch, HEADER_BYTES)
  } catch (error) {
    throw new TidemarkError(
      'bug',
      `${name} can't be written: ${error instanceof Error ? error.message : error}`,
      {},
      error,
    )
  }
}

function tooLarge(topic: Topic, bytes: number, bytesMax: number): TidemarkError {
  return new TidemarkError('record-too-large', `${bytes} bytes for ${topic}, ${bytesMax} are the most`, {
    bytes,
    bytesMax,
  })
}

function unknownSchema(reason: string): Decoded<never> {
  return { ok: false, code: 'unknown-schema', reason }
}

/** One registration a subject, shared by all who wait for it; a failed one is tried again by the next. */
function registration(registry: Registry): (subject: string, text: string) => Promise<number> {
  const ids = new Map<string, Promise<number>>()
  return (subject, text) => {
    const known = ids.get(subject)
    if (known !== undefined) return known
    const asked = registry.register(subject, text)
    ids.set(subject, asked)
    asked.catch(() => ids.delete(subject))
    return asked
  }
}

/** One look-up an id. A schema never changes under its id, so the answer is kept, but not that there is none yet. A string is why it can't be read. */
function lookup(registry: Registry): (id: number) => Promise<Reader | string> {
  const readers = new Map<number, Promise<Reader | string>>()
  return (id) => {
    const known = readers.get(id)
    if (known !== undefined) return known
    const asked = registry
      .byId(id)
      .then(({ schema }) => readable(id, schema))
      .catch((error: unknown) => {
        readers.delete(id)
        if (codeOf(error) === 'schema-unknown') return `nobody registered schema ${id}`
        throw error
      })
    readers.set(id, asked)
    return asked
  }
}

function readable(id: number, schema: string): Reader | string {
  try {
    return readerOf(schema)
  } catch (error) {
    return `schema ${id} is of no use: ${error instanceof Error ? error.message : String(error)}`
  }
}
