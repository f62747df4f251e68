/** The bare embedded engine that the pipeline is held against: the same readings, one row each, in synced transactions of 1,000. */

import { open } from 'lmdb'
import { BATCH, jsonReading } from './readings.ts'

const [, , path = 'bare.mdb', count = '1000000'] = process.argv
const db = open({ path, encoding: 'binary', keyEncoding: 'binary', overlappingSync: false, noSubdir: true })
const rows = Array.from({ length: BATCH }, (_, i) => Buffer.from(jsonReading(i)))
const key = Buffer.alloc(8)
const total = Number(count)
const startMs = performance.now()
for (let from = 0; from < total; from += BATCH) {
  db.transactionSync(() => {
    for (let i = 0; i < BATCH; i++) {
      key.writeDoubleBE(from + i)
      db.putSync(key, rows[i] as Buffer)
    }
  })
}
process.stdout.write(`${Math.round((total / (performance.now() - startMs)) * 1000)}\n`)
await db.close()
