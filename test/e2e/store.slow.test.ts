/** What happens to a store behind everybody's back is found, and mended without a hand. */

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { embeddedReadingStore } from '../../infra/embedded/reading-store.ts'
import { systemRandom } from '../../infra/system.ts'
import type { StoredReading } from '../../services/ports/reading-store.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { exported, lineOf, post, proofNow, series, startUp, tidemark } from '../support/up-process.ts'
import { asArrived } from '../support/world.ts'

const T0 = Date.UTC(2026, 9, 1)
const forever = new AbortController().signal

function storePath(dir: string): string {
  return join(dir, 'stores', 'embedded.mdb')
}

test('a store wiped by hand while stopped: proof says open, and it is filled from the journal', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  let up = await startUp(dir)
  await post(up.url, series(5000, T0))
  expect((await tidemark(dir, ['proof', '--wait', '20s'])).code).toBe(0)
  await up.end('SIGTERM')
  rmSync(storePath(dir))
  rmSync(`${storePath(dir)}-lock`, { force: true })
  up = await startUp(dir, undefined, { TIDEMARK_RECOVERY_BYTES_PER_S: '30kB', TIDEMARK_SLICE_READINGS: '500' })
  const open = async () => {
    const { code, gateways } = await proofNow(dir)
    return { code, pending: (gateways[0]?.pending ?? 0) > 0 }
  }
  await expect.poll(open, { timeout: 10_000 }).toEqual({ code: 1, pending: true })
  expect((await tidemark(dir, ['proof', '--wait', '60s'])).code).toBe(0)
  expect(await exported(dir)).toEqual(series(5000, T0).map(lineOf).toSorted())
  await up.end('SIGTERM')
})

test('a reading removed by hand: verify names its sensor and day, proof opens, and it lands again', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  const readings = [...series(300, T0), ...series(300, T0, 's2')]
  let up = await startUp(dir)
  await post(up.url, readings)
  expect((await tidemark(dir, ['proof', '--wait', '20s'])).code).toBe(0)
  await up.end('SIGTERM')
  await removeFromStore(storePath(dir), ({ reading }) => reading.sensor === 's2' && reading.ms === T0 + 77_000)
  up = await startUp(dir)
  expect((await tidemark(dir, ['proof', '--wait', '20s'])).code).toBe(0)
  expect(await exported(dir)).toHaveLength(599)
  const audit = await tidemark(dir, ['verify', '--json'])
  expect(audit.code).toBe(1)
  expect(JSON.parse(audit.out)).toMatchObject({
    state: 'differs',
    stores: [{ revoked: 1, differences: [{ type: 'temperature', sensor: 's2', day: '2026-10-01', missing: 1 }] }],
  })
  expect((await tidemark(dir, ['proof', '--wait', '30s'])).code).toBe(0)
  expect(await exported(dir)).toEqual(readings.map(lineOf).toSorted())
  expect((await tidemark(dir, ['verify'])).code).toBe(0)
  await up.end('SIGTERM')
})

test('replay to earliest leaves store and ledger as they were', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  const up = await startUp(dir)
  await post(up.url, series(3000, T0))
  const before = await proofNow(dir, '--wait', '20s')
  expect(before.code).toBe(0)
  expect((await tidemark(dir, ['replay', '--store', 'embedded', '--to', 'earliest'])).code).toBe(0)
  const after = await proofNow(dir, '--wait', '30s')
  expect(after.gateways[0]).toMatchObject({ settled: 3000, pending: 0, stores: before.gateways[0]?.stores ?? {} })
  expect(await exported(dir)).toEqual(series(3000, T0).map(lineOf).toSorted())
  await up.end('SIGTERM')
})

/** Everything but what is chosen, in a new file that says it is the old one. */
async function removeFromStore(path: string, isRemoved: (each: StoredReading) => boolean): Promise<void> {
  const kept: StoredReading[] = []
  const old = openLmdbKv(path)
  const store = embeddedReadingStore({ kv: old, name: 'embedded', random: systemRandom })
  const generation = await store.generation()
  for await (const batch of store.read({}, forever)) kept.push(...batch.filter((each) => !isRemoved(each)))
  await old[Symbol.asyncDispose]()
  rmSync(path)
  const kv = openLmdbKv(path)
  const fresh = embeddedReadingStore({ kv, name: 'embedded', random: systemRandom })
  await fresh.write(kept.map(asArrived), forever)
  const wrong = Buffer.from(await fresh.generation())
  await kv.write((tx) => {
    for (const { key, value } of [...tx.range({ from: new Uint8Array(0), to: new Uint8Array([255]) })]) {
      const at = Buffer.from(value).indexOf(wrong)
      if (at >= 0)
        tx.put(key, Buffer.concat([value.subarray(0, at), Buffer.from(generation), value.subarray(at + wrong.length)]))
    }
  })
  await kv[Symbol.asyncDispose]()
}
