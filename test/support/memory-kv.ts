/** The ordered key-value engine in memory, for tests: everything embedded runs on it without a file. */

import type { Kv, KvRead, KvTx, Row } from '../../infra/embedded/kv.ts'
import { runBody } from '../../infra/embedded/write-body.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { bytesOf, firstAtLeast, type Held, nameOf } from './named-rows.ts'

/** What outlives a handle: open another `memoryKv` on it to see what a restart would. */
export interface MemoryDisk {
  rows: Held[]
  /** Iterators that still read `rows`: while there are any, a change is made to a copy. */
  readers: { count: number }
}

export function memoryDisk(): MemoryDisk {
  return { rows: [], readers: { count: 0 } }
}

export function memoryKv(disk: MemoryDisk = memoryDisk()): Kv {
  const queue: (() => void)[] = []
  let closed = false
  const tx = transactionOn(disk)
  const assertOpen = (): void => {
    if (closed) throw new TidemarkError('closed', 'the key-value store')
  }
  const drain = (): void => {
    for (const job of queue.splice(0)) job()
  }
  const guarded: KvRead = {
    get: (key) => {
      assertOpen()
      return tx.get(key)
    },
    range: (range) => {
      assertOpen()
      return tx.range(range)
    },
  }
  return {
    ...guarded,
    write: async (body) => {
      assertOpen()
      return new Promise((resolve, reject) => {
        queue.push(() => {
          try {
            resolve(runBody(tx, body))
          } catch (error) {
            reject(error)
          }
        })
        if (queue.length === 1) queueMicrotask(drain)
      })
    },
    fileBytes: () => disk.rows.reduce((sum, row) => sum + row.name.length + row.value.length, 0),
    [Symbol.asyncDispose]: async () => {
      drain()
      closed = true
    },
  }
}

function transactionOn(disk: MemoryDisk): KvTx {
  return {
    get: (key) => {
      const name = nameOf(key)
      const held = disk.rows[firstAtLeast(disk.rows, name)]
      return held?.name === name ? held.value.slice() : undefined
    },
    range: ({ from, to, reverse = false, limit }) => rowsBetween(disk, nameOf(from), nameOf(to), reverse, limit),
    put: (key, value) => {
      const row = { name: nameOf(key), value: new Uint8Array(value) }
      const rows = writable(disk)
      const at = firstAtLeast(rows, row.name)
      if (rows[at]?.name === row.name) rows[at] = row
      else rows.splice(at, 0, row)
    },
    delete: (key) => {
      const name = nameOf(key)
      const at = firstAtLeast(disk.rows, name)
      if (disk.rows[at]?.name === name) writable(disk).splice(at, 1)
    },
  }
}

function* rowsBetween(
  disk: MemoryDisk,
  from: string,
  to: string,
  reverse: boolean,
  limit = Number.POSITIVE_INFINITY,
): Generator<Row> {
  const { rows, readers } = disk
  const low = firstAtLeast(rows, from)
  const high = firstAtLeast(rows, to)
  readers.count++
  try {
    for (let i = 0; i < Math.min(limit, high - low); i++) {
      const row = rows[reverse ? high - 1 - i : low + i]
      if (row !== undefined) yield { key: bytesOf(row.name), value: row.value.slice() }
    }
  } finally {
    readers.count--
  }
}

function writable(disk: MemoryDisk): Held[] {
  if (disk.readers.count > 0) {
    disk.rows = disk.rows.slice()
    disk.readers = { count: 0 }
  }
  return disk.rows
}
