/** The outage with real processes: killed inside it and again during recovery, and every accepted reading stands in the store once. */

import { expect, test } from 'vitest'
import { temporaryDir } from '../support/temporary-dir.ts'
import { exported, lineOf, post, proofNow, series, startUp, tidemark } from '../support/up-process.ts'

const T0 = Date.UTC(2026, 9, 1)

test('first contact: runs within 5 s, a cut link opens a gap that closes again, Ctrl-C ends it within 5 s, and it goes on where it was', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  const first = await startUp(dir, [], { TIDEMARK_HEARTBEAT: '500ms' })
  expect(first.startedMs).toBeLessThan(5000)
  expect((await tidemark(dir, ['proof', '--wait', '20s'])).code).toBe(0)
  expect((await proofNow(dir)).gateways.map((each) => each.gateway)).toEqual(['demo-1', 'demo-2', 'local'])
  expect((await tidemark(dir, ['link', 'cut', 'demo-1'])).code).toBe(0)
  await expect.poll(async () => (await proofNow(dir, '--gateway', 'demo-1')).state, { timeout: 10_000 }).toBe('open')
  await expect
    .poll(async () => (await proofNow(dir, '--gateway', 'demo-2')).state, { timeout: 10_000 })
    .toBe('complete')
  expect((await tidemark(dir, ['link', 'restore', 'demo-1'])).code).toBe(0)
  const closed = await tidemark(dir, ['proof', '--wait', '30s', '--json'])
  expect(closed.code).toBe(0)
  const before = (JSON.parse(closed.out) as Awaited<ReturnType<typeof proofNow>>).gateways.find(
    (each) => each.gateway === 'demo-1',
  )
  expect(before?.outages).toHaveLength(1)
  expect(await first.end('SIGINT')).toBeLessThan(5000)
  const second = await startUp(dir, [])
  expect((await tidemark(dir, ['proof', '--wait', '30s'])).code).toBe(0)
  const after = (await proofNow(dir, '--gateway', 'demo-1')).gateways[0]
  expect(after?.accepted).toBeGreaterThan(before?.accepted ?? Number.POSITIVE_INFINITY)
  expect(await second.end('SIGTERM')).toBeLessThan(5000)
})

test('readings before, during and after an outage, with SIGKILL inside it and again during recovery, land exactly once', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  const slow = { TIDEMARK_RECOVERY_BYTES_PER_S: '100kB', TIDEMARK_SLICE_READINGS: '2000' }
  const accepted = [
    series(500, T0),
    series(30_000, T0 + 1e6, 's2'),
    series(300, T0 + 2e6, 's3'),
    series(200, T0 + 3e6, 's4'),
  ] as const
  const [before, during, reboot, after] = accepted
  let up = await startUp(dir, undefined, slow)
  await post(up.url, before)
  expect((await tidemark(dir, ['proof', '--wait', '20s'])).code).toBe(0)
  await tidemark(dir, ['link', 'cut', 'local'])
  await post(up.url, during.slice(0, 15_000))
  await post(up.url, during.slice(15_000))
  await up.end('SIGKILL')
  up = await startUp(dir, undefined, slow)
  await post(up.url, reboot)
  await tidemark(dir, ['link', 'restore', 'local'])
  await expect.poll(async () => pendingOf(dir), { timeout: 20_000 }).toBeLessThan(30_300)
  expect(await pendingOf(dir)).toBeGreaterThan(0)
  await up.end('SIGKILL')
  up = await startUp(dir)
  await post(up.url, after)
  const proof = await proofNow(dir, '--wait', '60s')
  expect(proof.code).toBe(0)
  expect(proof.gateways[0]).toMatchObject({ state: 'complete', accepted: 31_000, settled: 31_000 })
  expect(proof.gateways[0]?.outages).toMatchObject([{ state: 'complete' }])
  expect(proof.gateways[0]?.outages[0]?.restored_connection_time).not.toBeNull()
  expect(await exported(dir)).toEqual(accepted.flat().map(lineOf).toSorted())
  expect((await tidemark(dir, ['verify'])).code).toBe(0)
  await up.end('SIGTERM')
}, 180_000)

async function pendingOf(dir: string): Promise<number> {
  const { gateways } = await proofNow(dir)
  const pending = gateways[0]?.pending ?? 0
  return pending === 0 && gateways[0]?.connected === false ? Number.POSITIVE_INFINITY : pending
}

test('a gateway killed right after it accepted loses nothing: the tail is found', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  let up = await startUp(dir)
  await post(up.url, series(10, T0))
  expect((await tidemark(dir, ['proof', '--wait', '20s'])).code).toBe(0)
  await tidemark(dir, ['link', 'cut', 'local'])
  await post(up.url, series(20, T0 + 1e6))
  await up.end('SIGKILL')
  await tidemark(dir, ['link', 'restore', 'local'])
  up = await startUp(dir)
  await tidemark(dir, ['link', 'restore', 'local'])
  expect((await tidemark(dir, ['proof', '--wait', '60s'])).code).toBe(0)
  expect(await exported(dir)).toEqual([...series(10, T0), ...series(20, T0 + 1e6)].map(lineOf).toSorted())
  await up.end('SIGTERM')
})
