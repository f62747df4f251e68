/** Runs one body of a shared write transaction: what it wrote is taken back when it throws, what other bodies wrote stays. */

import { invariant } from '../../services/core/errors.ts'
import type { Bytes, KvTx } from './kv.ts'

const KEY_BYTES_MAX = 1_900

/** After a throw of `body` every row stands as it stood before. Old values are kept for that: measured cheaper than a nested transaction of the engine. */
export function runBody<T>(tx: KvTx, body: (tx: KvTx) => T): T {
  const before: [key: Bytes, value: Bytes | undefined][] = []
  const remember = (key: Bytes): void => {
    invariant(key.length > 0 && key.length <= KEY_BYTES_MAX, `a key of ${key.length} bytes`)
    // Not `slice`: of a Buffer that would be a view of the caller's bytes.
    before.push([new Uint8Array(key), tx.get(key)])
  }
  try {
    return body({
      get: (key) => tx.get(key),
      range: (range) => tx.range(range),
      put: (key, value) => {
        remember(key)
        tx.put(key, value)
      },
      delete: (key) => {
        remember(key)
        tx.delete(key)
      },
    })
  } catch (error) {
    for (const [key, value] of before.reverse()) {
      if (value === undefined) tx.delete(key)
      else tx.put(key, value)
    }
    throw error
  }
}
