/**
 * The schema registry in the key-value engine. Keys begin with `S`: `Si` + id → schema; `Sd` + SHA-256 of the schema → id;
 * `Ss` + subject + 0 + version → id.
 */

import { createHash } from 'node:crypto'
import { incompatibilities, parsed } from '../../schemas/compatibility.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../services/ports/schema-registry.ts'
import type { Bytes, Kv, KvRead } from './kv.ts'

const BY_ID = 'Si'
const BY_DIGEST = 'Sd'
const BY_SUBJECT = 'Ss'
const SUBJECT = /^[\x21-\x7e]{1,255}$/

/** The `Kv` stays the caller's: disposing of the registry leaves it open. */
export function embeddedSchemaRegistry(kv: Kv): SchemaRegistry {
  return {
    register: async (subject, schema) => {
      if (!SUBJECT.test(subject)) throw new TidemarkError('schema-invalid', `${JSON.stringify(subject)} is no subject`)
      const text = normal(schema)
      const known = idUnder(kv, subject, text)
      return known ?? kv.write((tx) => add(tx, subject, text))
    },
    byId: async (id) => schemaAt(kv, id),
    latest: async (subject) => latestOf(kv, subject),
    check: async (subject, schema) => reasonsAgainst(kv, subject, normal(schema)),
    subjects: async () => {
      const names = new Set<string>()
      for (const { key } of kv.range(startingWith(BY_SUBJECT))) names.add(textOf(key.subarray(2, key.length - 5)))
      return [...names]
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

type Tx = Parameters<Parameters<Kv['write']>[0]>[0]

function add(tx: Tx, subject: string, text: string): number {
  const known = idUnder(tx, subject, text)
  if (known !== undefined) return known
  const reasons = reasonsAgainst(tx, subject, text)
  if (reasons.length > 0) throw new TidemarkError('schema-incompatible', reasons.join('; '), { subject, reasons })
  const kept = tx.get(digestKey(text))
  const id = kept === undefined ? lastNumber(tx, BY_ID) + 1 : numberOf(kept)
  if (kept === undefined) {
    tx.put(numbered(BY_ID, id), Buffer.from(text))
    tx.put(digestKey(text), numberBytes(id))
  }
  const prefix = subjectPrefix(subject)
  tx.put(numbered(prefix, lastNumber(tx, prefix) + 1), numberBytes(id))
  return id
}

/** The id of the schema if it stands under the subject already, in whatever version. */
function idUnder(kv: KvRead, subject: string, text: string): number | undefined {
  const kept = kv.get(digestKey(text))
  if (kept === undefined) return undefined
  const id = numberOf(kept)
  for (const { value } of kv.range(startingWith(subjectPrefix(subject)))) if (numberOf(value) === id) return id
  return undefined
}

function reasonsAgainst(kv: KvRead, subject: string, text: string): readonly string[] {
  const latest = latestOf(kv, subject)
  return latest === undefined ? [] : incompatibilities(latest.schema, text)
}

function latestOf(kv: KvRead, subject: string): RegisteredSchema | undefined {
  for (const { value } of kv.range({ ...startingWith(subjectPrefix(subject)), reverse: true, limit: 1 })) {
    return schemaAt(kv, numberOf(value))
  }
  return undefined
}

function schemaAt(kv: KvRead, id: number): RegisteredSchema {
  const kept = Number.isInteger(id) && id > 0 && id <= 0xffff_ffff ? kv.get(numbered(BY_ID, id)) : undefined
  if (kept === undefined) throw new TidemarkError('schema-unknown', String(id), { id })
  return { id, schema: textOf(kept) }
}

/** One text for schemas that differ in white space only. */
function normal(schema: string): string {
  parsed(schema)
  return JSON.stringify(JSON.parse(schema))
}

function lastNumber(kv: KvRead, prefix: string): number {
  for (const { key } of kv.range({ ...startingWith(prefix), reverse: true, limit: 1 })) {
    return numberOf(key.subarray(key.length - 4))
  }
  return 0
}

function subjectPrefix(subject: string): string {
  return `${BY_SUBJECT}${subject}\0`
}

function digestKey(text: string): Bytes {
  return Buffer.concat([Buffer.from(BY_DIGEST), createHash('sha256').update(text).digest()])
}

function numbered(prefix: string, number: number): Bytes {
  return Buffer.concat([Buffer.from(prefix), numberBytes(number)])
}

/** Every key that begins with the prefix; no key of ours has 0xff after it. */
function startingWith(prefix: string): { readonly from: Bytes; readonly to: Bytes } {
  return { from: Buffer.from(prefix), to: Buffer.concat([Buffer.from(prefix), Buffer.alloc(40, 0xff)]) }
}

function numberBytes(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number)
  return bytes
}

function numberOf(bytes: Bytes): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}

function textOf(bytes: Bytes): string {
  return Buffer.from(bytes).toString()
}
