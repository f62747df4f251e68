/** Keys of binary rows: a space of their own for each journal or store that shares an engine, and fields whose byte order is their order. */

import type { Bytes, KvRead, KvTx } from './kv.ts'

/** Times from before 1970 must sort before later ones, so that keys hold them moved up. */
const MS_SHIFT = 2 ** 47

/** Makes keys of one space: `letter`, its number, a letter for the kind of row, then the fields. */
export class KeySpace {
  readonly #prefix: Bytes

  constructor(prefix: Bytes) {
    this.#prefix = prefix
  }

  key(kind: string, ...fields: readonly Bytes[]): Bytes {
    return Buffer.concat([this.#prefix, Buffer.from(kind, 'latin1'), ...fields])
  }

  /** From the first to after the last row of a kind that begins with `fields`. */
  all(kind: string, ...fields: readonly Bytes[]): { readonly from: Bytes; readonly to: Bytes } {
    const from = this.key(kind, ...fields)
    return { from, to: afterPrefix(from) }
  }
}

/** Finds the space of this name or, inside `write`, makes it. At most 65,535 spaces a letter. */
export function findKeySpace(kv: KvRead, letter: string, name: string): KeySpace | undefined {
  const row = kv.get(directoryKey(letter, name))
  return row === undefined ? undefined : new KeySpace(Buffer.concat([Buffer.from(letter, 'latin1'), row]))
}

export function makeKeySpace(tx: KvTx, letter: string, name: string): KeySpace {
  const known = findKeySpace(tx, letter, name)
  if (known !== undefined) return known
  const from = directoryKey(letter, '')
  const used = [...tx.range({ from, to: afterPrefix(from) })].length
  const number = Uint8Array.of((used + 1) >> 8, (used + 1) & 255)
  tx.put(directoryKey(letter, name), number)
  return new KeySpace(Buffer.concat([Buffer.from(letter, 'latin1'), number]))
}

export function u32Field(n: number): Bytes {
  return Uint8Array.of(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255)
}

/** Whole numbers from 0 to 2⁴⁸−1. */
export function u48Field(n: number): Bytes {
  const field = Buffer.alloc(6)
  field.writeUIntBE(n, 0, 6)
  return field
}

export function textField(text: string): Bytes {
  return Buffer.from(text, 'utf8')
}

export const TIME_BYTES = 9

/** Milliseconds since 1970, negative too, and the nanoseconds below them. */
export function timeField(ms: number, ns: number): Bytes {
  const field = Buffer.alloc(TIME_BYTES)
  field.writeUIntBE(ms + MS_SHIFT, 0, 6)
  field.writeUIntBE(ns, 6, 3)
  return field
}

export function readTimeField(key: Bytes, at: number): { readonly ms: number; readonly ns: number } {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  return { ms: bytes.readUIntBE(at, 6) - MS_SHIFT, ns: bytes.readUIntBE(at + 6, 3) }
}

export function readU32Field(key: Bytes, at: number): number {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUInt32BE(at)
}

export function readU48Field(key: Bytes, at: number): number {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUIntBE(at, 6)
}

/** The smallest key that is greater than every key beginning with `prefix`. */
export function afterPrefix(prefix: Bytes): Bytes {
  const next = Buffer.from(prefix)
  for (let i = next.length - 1; i >= 0; i--) {
    if (next[i] !== 255) {
      next[i] = (next[i] ?? 0) + 1
      return next.subarray(0, i + 1)
    }
  }
  return Buffer.concat([prefix, Uint8Array.of(255)])
}

/** The smallest key greater than this one. */
export function successor(key: Bytes): Bytes {
  return Buffer.concat([key, Uint8Array.of(0)])
}

function directoryKey(letter: string, name: string): Bytes {
  return Buffer.concat([Buffer.from(letter, 'latin1'), Uint8Array.of(0, 0), Buffer.from(name, 'utf8')])
}
