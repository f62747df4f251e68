/** A full journal refuses and goes on by itself, or declares void what it drops before it is gone. */

import { expect, test } from 'vitest'
import { temporaryDir } from '../support/temporary-dir.ts'
import { type DoorReading, exported, lineOf, proofNow, series, startUp, tidemark } from '../support/up-process.ts'

const T0 = Date.UTC(2026, 9, 1)

/** Posts batches until one is refused; what was accepted, and the refusal. */
async function fill(url: string): Promise<{ accepted: DoorReading[]; refusal: Response | undefined }> {
  const accepted: DoorReading[] = []
  for (let i = 0; i < 60; i++) {
    const batch = series(500, T0 + i * 1e6, `s${i}`)
    const answer = await fetch(`${url}/readings`, { method: 'POST', body: JSON.stringify(batch) })
    if (answer.status !== 200) return { accepted, refusal: answer }
    accepted.push(...batch)
  }
  return { accepted, refusal: undefined }
}

test('a full journal answers 503 with Retry-After, loses nothing it accepted, and goes on when receipts free room', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  const up = await startUp(dir, undefined, { TIDEMARK_JOURNAL_MAX_BYTES: '1MB' })
  await expect.poll(async () => (await proofNow(dir)).gateways.length, { timeout: 10_000 }).toBe(1)
  await tidemark(dir, ['link', 'cut', 'local'])
  const { accepted, refusal } = await fill(up.url)
  expect(refusal?.status).toBe(503)
  expect(Number(refusal?.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await refusal?.json()).toMatchObject({ code: 'journal-full' })
  await tidemark(dir, ['link', 'restore', 'local'])
  const late = series(500, T0 + 9e9, 'late')
  await expect
    .poll(async () => (await fetch(`${up.url}/readings`, { method: 'POST', body: JSON.stringify(late) })).status, {
      timeout: 30_000,
      interval: 500,
    })
    .toBe(200)
  expect((await tidemark(dir, ['proof', '--wait', '60s'])).code).toBe(0)
  expect(await exported(dir)).toEqual([...accepted, ...late].map(lineOf).toSorted())
  await up.end('SIGTERM')
})

test('with drop-oldest the oldest become void, proof says closed with exceptions, and everything else lands', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  const up = await startUp(dir, undefined, { TIDEMARK_JOURNAL_MAX_BYTES: '1MB', TIDEMARK_JOURNAL_FULL: 'drop-oldest' })
  await expect.poll(async () => (await proofNow(dir)).gateways.length, { timeout: 10_000 }).toBe(1)
  await tidemark(dir, ['link', 'cut', 'local'])
  const { accepted, refusal } = await fill(up.url)
  expect(refusal).toBeUndefined()
  await tidemark(dir, ['link', 'restore', 'local'])
  const proof = await proofNow(dir, '--wait', '60s')
  expect(proof.code).toBe(3)
  const [gateway] = proof.gateways
  expect(gateway?.void).toBeGreaterThan(0)
  expect((gateway?.void ?? 0) + (gateway?.settled ?? 0)).toBe(accepted.length)
  const kept = accepted.slice(-(gateway?.settled ?? 0)).map(lineOf)
  expect(await exported(dir)).toEqual(kept.toSorted())
  await up.end('SIGTERM')
})
