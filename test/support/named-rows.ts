/** Rows of a store in memory, sorted by names that order as the bytes of their keys do. */

import type { Bytes } from '../../infra/embedded/kv.ts'

export interface Held {
  /** The key's bytes as latin-1, so that string order is byte order. */
  readonly name: string
  readonly value: Bytes
}

/** Index of the first row whose name is not below `name`; looks at the end first, where most rows are added. */
export function firstAtLeast(rows: readonly Held[], name: string): number {
  const last = rows.at(-1)
  if (last === undefined || last.name < name) return rows.length
  let low = 0
  let high = rows.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle]?.name ?? '') < name) low = middle + 1
    else high = middle
  }
  return low
}

/** In the order of the keys' bytes. */
export function nameOf(key: Bytes): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

export function bytesOf(name: string): Bytes {
  return new Uint8Array(Buffer.from(name, 'latin1'))
}
