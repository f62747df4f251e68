/** Opens and ends a gateway's journal many times, one reading each: what so many restarts leave behind. */

import { openJournal } from '../../infra/embedded/journal.ts'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import type { GatewayId } from '../../schemas/reading.ts'

const [, , path = '', gateway = 'local', count = '1000'] = process.argv
const settings = {
  maxBytes: 64e9,
  keepMs: 7 * 86_400_000,
  whenFull: 'reject',
  identityKeepMs: 400 * 86_400_000,
} as const
const kv = openLmdbKv(path)
for (let i = 0; i < Number(count); i++) {
  const options = { kv, gateway: gateway as GatewayId, clock: systemClock, random: systemRandom, buildMs: 0, settings }
  const journal = await openJournal(options)
  const offer = { type: 'temperature', sensor: 'restart', labels: {}, values: { temperature: i } }
  await journal.append({ offers: [offer] })
  await journal[Symbol.asyncDispose]()
}
await kv[Symbol.asyncDispose]()
