/** The indexer as a real process on the embedded index: killed again and again while it indexes, asked by reconcile meanwhile, and the figures it shows. */

import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Reconciliation } from '../../services/commands/reconcile.ts'
import type { Recordings } from '../../services/status/page-api.ts'
import { recordFiles } from '../support/recording-files.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { type Ran, startUp, tidemark } from '../support/up-process.ts'

interface Rig {
  readonly root: string
  readonly data: string
  start(): Promise<ServiceProcess>
  reconcile(...args: readonly string[]): Promise<Ran & { readonly found: Reconciliation }>
}

async function rig(): Promise<Rig> {
  const dir = await temporaryDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const root = join(dir.path, 'recordings')
  const data = join(dir.path, 'data')
  await mkdir(root)
  const env = { TIDEMARK_RECORDING_ROOTS: `store=${root}`, TIDEMARK_LIST_EVERY: '1s', TIDEMARK_SETTLE_TIME: '200ms' }
  return {
    root,
    data,
    start: () => startService(['indexer', '--data', data], env),
    reconcile: async (...args) => {
      const ran = await tidemark(data, ['indexer', 'reconcile', '--json', ...args], env)
      if (ran.out === '') throw new Error(ran.err)
      return { ...ran, found: JSON.parse(ran.out) as Reconciliation }
    },
  }
}

async function untilEqual(it: Rig, equal: number): Promise<void> {
  for (;;) {
    const { found, code } = await it.reconcile()
    const [root] = found.roots
    if (code === 0 && root?.equal === equal && root.settling === 0) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

test('killed three times while it indexes 8,000 files, it misses none', async () => {
  const it = await rig()
  await recordFiles(it.root, 'r', 8_000)
  for (const afterMs of [150, 400, 700]) {
    const indexer = await it.start()
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    await indexer.end('SIGKILL')
  }
  const indexer = await it.start()
  await untilEqual(it, 8_000)
  const ended = await indexer.end('SIGTERM')
  expect(ended.code).toBe(0)
  expect(ended.tookMs).toBeLessThan(5_000)
  expect((await it.reconcile()).found.roots[0]?.states).toEqual({ final: 8_000 })
})

test('reconcile names what is missing, extra and differing, and a wrong root is an alarm', async () => {
  const it = await rig()
  const paths = await recordFiles(it.root, 'r', 300)
  const indexer = await it.start()
  await untilEqual(it, 300)
  const metrics = await (await fetch(`${indexer.url}/metrics`)).text()
  expect(metrics).toContain('tidemark_recordings_entries{root="store",state="final"} 300')
  expect(metrics).toContain('tidemark_recordings_index_up 1')
  expect((await fetch(`${indexer.url}/ready`)).status).toBe(200)
  await indexer.end('SIGTERM')
  await rm(join(it.root, paths[0] ?? ''))
  await rm(join(it.root, (paths[0] ?? '').replace('dat', 'json')))
  await writeFile(join(it.root, paths[1] ?? ''), 'another')
  await rename(join(it.root, paths[2] ?? ''), join(it.root, 'renamed\n.dat'))
  await rm(join(it.root, (paths[2] ?? '').replace('dat', 'json')))
  // What is too fresh to be expected in the index counts as settling.
  let { found, code } = await it.reconcile()
  while (found.roots[0]?.settling !== 0) ({ found, code } = await it.reconcile())
  expect([code, found.verdict]).toEqual([1, 'differs'])
  expect(found.roots[0]?.examples).toEqual({
    missing: ['renamed\n.dat'],
    extra: [paths[0], paths[2]],
    differing: [paths[1]],
  })
  await rename(it.root, `${it.root}-away`)
  const unreachable = await it.reconcile()
  expect([unreachable.code, unreachable.found.roots[0]?.verdict]).toEqual([1, 'unreachable'])
  await mkdir(it.root)
  const suspicious = await it.reconcile()
  expect([suspicious.code, suspicious.found.roots[0]?.verdict]).toEqual([1, 'suspicious'])
})

test('up indexes the roots that are set, and its page and figures tell of them', async () => {
  const it = await rig()
  await recordFiles(it.root, 'r', 20)
  const up = await startUp(it.data, ['--no-demo'], {
    TIDEMARK_RECORDING_ROOTS: `store=${it.root}`,
    TIDEMARK_SETTLE_TIME: '200ms',
  })
  const told = async () => ((await (await fetch(`${up.url}/api/recordings`)).json()) as Recordings).roots
  await expect
    .poll(told, { timeout: 20_000 })
    .toMatchObject([{ root: 'store', state: 'sound', entries: { final: 20 }, waiting: 0 }])
  const metrics = await (await fetch(`${up.url}/metrics`)).text()
  expect(metrics).toContain('tidemark_recordings_entries{root="store",state="final"} 20')
  await untilEqual(it, 20)
  expect(await up.end('SIGTERM')).toBeLessThan(5_000)
})

test('a damaged index of recordings costs up the recordings and nothing else', async () => {
  const it = await rig()
  await mkdir(it.data, { recursive: true })
  await writeFile(join(it.data, 'recordings.mdb'), Buffer.alloc(20_000, 'x'))
  const up = await startUp(it.data, ['--no-demo'], { TIDEMARK_RECORDING_ROOTS: `store=${it.root}` })
  expect(up.output()).toContain('the indexer can not start')
  const accepted = await fetch(`${up.url}/readings`, {
    method: 'POST',
    body: '[{"type":"t","sensor":"s","values":{"v":1}}]',
  })
  expect(accepted.status).toBe(200)
  expect(await up.end('SIGTERM')).toBeLessThan(5_000)
})
