/** `tidemark indexer reconcile`: its verdicts in words, as JSON and as exit codes, and that it changes nothing. */

import { expect, test } from 'vitest'
import { type ReconcileOptions, runReconcile } from '../../../services/commands/reconcile.ts'
import { type Indexing, indexing, ROOT } from '../../support/indexing.ts'

const NEVER = new AbortController().signal

async function reconciled(
  it: Indexing,
  options: ReconcileOptions = {},
  terminal = false,
): Promise<{ code: number; said: string; noted: string }> {
  let said = ''
  let noted = ''
  const code = await runReconcile(
    {
      settings: { goneMax: 10, settleMs: 2_000 },
      index: it.index,
      roots: [{ root: ROOT, path: '/recordings', tree: it.tree }],
      clock: it.clock,
      signal: NEVER,
      terminal,
      note: (text) => {
        noted += text
      },
      out: async (text) => {
        said += text
      },
    },
    options,
  )
  return { code, said, noted }
}

async function indexed(count: number): Promise<Indexing> {
  const it = indexing()
  for (let i = 0; i < count; i++) it.tree.record(`${i}.dat`, it.clock.wallMs() - 3_600_000)
  it.tree.put('bad.dat', 'x', it.clock.wallMs() - 3_600_000)
  const running = it.begin()
  await it.clock.advance(1_000)
  await running.end()
  return it
}

test('on a terminal it shows how far it is, elsewhere and with --json it does not', async () => {
  await using it = await indexed(3)
  expect((await reconciled(it, {}, true)).noted).toMatch(/root 1 entries, [\d,]+\/s\r\u001b\[K$/)
  expect((await reconciled(it, { json: true }, true)).noted).toBe('')
  expect((await reconciled(it)).noted).toBe('')
})

test('equal is 0, whatever the states of the entries; bad ones are counted', async () => {
  await using it = await indexed(3)
  const { code, said } = await reconciled(it)
  expect([code, said]).toEqual([
    0,
    `root (/recordings): equal: 4 equal, 0 missing, 0 extra, 0 differing, 3 final, 1 sidecar-missing\nequal as of 2026-11-22T00:00:01Z\n`,
  ])
})

test('what is missing, extra or differing is named, is 1, and stays as it is', async () => {
  await using it = await indexed(3)
  const old = it.clock.wallMs() - 60_000
  it.tree.record('new\nline.dat', old)
  it.tree.put('1.dat', 'another', old)
  for (const path of ['2.dat', '2.json']) it.tree.remove(path)
  it.tree.record('fresh.dat')
  const { code, said } = await reconciled(it)
  expect(code).toBe(1)
  for (const line of ['  missing "new\\nline.dat"', '  extra 2.dat', '  differing 1.dat', '1 settling'])
    expect(said).toContain(line)
  const json = await reconciled(it, { json: true })
  expect(JSON.parse(json.said)).toMatchObject({
    verdict: 'differs',
    roots: [{ verdict: 'differs', equal: 2, missing: 1, extra: 1, differing: 1, settling: 1, unknown: 0 }],
  })
  expect((await it.entries()).map(({ state, revision }) => [state, revision])).toEqual([
    ['final', 1],
    ['final', 1],
    ['final', 1],
    ['sidecar-missing', 1],
  ])
})

test('an emptied root is suspicious and a root that is away is unreachable; neither is equal', async () => {
  await using it = await indexed(50)
  it.tree.files.clear()
  it.tree.put('x.txt', '')
  expect(await reconciled(it)).toMatchObject({ code: 1, said: expect.stringContaining('suspicious') })
  it.tree.rootMark = undefined
  expect(await reconciled(it)).toMatchObject({ code: 1, said: expect.stringContaining('unreachable') })
})

test('a folder that can not be listed makes its entries unknown, and the verdict no equal', async () => {
  await using it = await indexed(3)
  it.tree.record('locked/a.dat', it.clock.wallMs() - 3_600_000)
  const running = it.begin()
  await it.clock.advance(1_000)
  await running.end()
  it.tree.holes.add('locked/')
  const { code, said } = await reconciled(it)
  expect([code, said]).toEqual([1, expect.stringContaining('the folder locked/ can not be listed: EACCES')])
  expect(said).toContain('0 extra, 0 differing, 1 unknown')
})
