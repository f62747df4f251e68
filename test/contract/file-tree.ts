/** What every file tree promises (`services/ports/file-tree.ts`). */

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../../services/core/errors.ts'
import type { FileTree, Finding, Listed } from '../../services/ports/file-tree.ts'
import { batchesOf, collected } from '../support/collected.ts'

export interface FileTreeUnderTest extends AsyncDisposable {
  /** Of `.dat` and `.json`, over an empty root. */
  readonly tree: FileTree
  /** Writes a file below the root, with its folders. */
  put(path: string, content: string): Promise<void>
  remove(path: string): Promise<void>
  /** Puts another, empty folder in the place of the root. */
  replaceRoot(): Promise<void>
  removeRoot(): Promise<void>
  /** Resolves when the condition holds; lets events come meanwhile. */
  until(condition: () => boolean): Promise<void>
}

export function fileTreeContract(label: string, open: () => Promise<FileTreeUnderTest>): void {
  describe(`${label} keeps the contract of a file tree:`, () => {
    listingContract(open)
    lookContract(open)

    test('tells of what comes and changes once it was listed, also in folders that are new', async () => {
      await using it = await open()
      const seen = new Set<string>()
      it.tree.watch({ seen: (path) => seen.add(path), missed: () => undefined })
      await it.put('old/a.dat', '1')
      await list(it.tree)
      await it.put('b.dat', '1')
      await it.put('old/a.json', '{}')
      await it.put('new/deep/c.dat', '1')
      await it.until(() => ['b.dat', 'old/a.dat', 'new/deep/c.dat'].every((path) => seen.has(path)))
      await it.tree[Symbol.asyncDispose]()
      await it.tree[Symbol.asyncDispose]()
    })

    test('another root has another mark, and a root that is gone is said to be so', async () => {
      await using it = await open()
      const mark = await it.tree.mark()
      expect(await it.tree.mark()).toBe(mark)
      await it.replaceRoot()
      expect(await it.tree.mark()).not.toBe(mark)
      await it.removeRoot()
      expect(await it.tree.mark().catch(codeOf)).toBe('root-unreachable')
      expect(await list(it.tree).catch(codeOf)).toBe('root-unreachable')
    })
  })
}

function listingContract(open: () => Promise<FileTreeUnderTest>): void {
  test("lists data files and sidecars as recordings, in the order of the paths' bytes, and nothing else", async () => {
    await using it = await open()
    const paths = [
      'a-b.dat',
      'a.dat',
      'a/b.dat',
      'a/c/d.dat',
      'a0.dat',
      'only-sidecar.dat',
      'é.dat',
      '\uff61.dat',
      '\u{1f600}.dat',
    ]
    for (const path of paths.toReversed()) {
      if (path !== 'only-sidecar.dat') await it.put(path, 'data')
      if (path !== 'a0.dat') await it.put(path.replace('.dat', '.json'), '{}')
    }
    for (const other of ['x.txt', '.dat', '.json', 'dat', 'a/part.dat.tmp']) await it.put(other, 'x')
    const found = await list(it.tree)
    expect(found.map(({ path }) => path)).toEqual(paths)
    const kinds = new Map(found.map(({ path, data, sidecar }) => [path, [data.kind, sidecar.kind]]))
    expect(kinds.get('a.dat')).toEqual(['file', 'file'])
    expect(kinds.get('a0.dat')).toEqual(['file', 'none'])
    expect(kinds.get('only-sidecar.dat')).toEqual(['none', 'file'])
  })

  test('lists more than a batch of one folder, in bounded batches', async () => {
    await using it = await open()
    const paths = Array.from({ length: 1_200 }, (_, i) => `${String(i).padStart(5, '0')}.dat`)
    await Promise.all(paths.map((path) => it.put(path, 'x')))
    const batches = await batchesOf(it.tree.list(NEVER))
    expect(batches.flat().map((each) => ('path' in each ? each.path : each))).toEqual(paths)
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(500)
  })

  test('an aborted signal ends a listing', async () => {
    await using it = await open()
    await it.put('a.dat', 'x')
    await expect(collected(it.tree.list(AbortSignal.abort(new Error('enough'))))).rejects.toThrow('enough')
  })
}

function lookContract(open: () => Promise<FileTreeUnderTest>): void {
  test('a look says what a listing says, and its stamp changes with either file', async () => {
    await using it = await open()
    await it.put('a.dat', 'data')
    const stamps = new Set<string>()
    const changes = [
      async () => it.put('a.json', '{}'),
      async () => it.put('a.json', '{ }'),
      async () => it.put('a.dat', 'datum'),
      // As long as before, and another one.
      async () => {
        await it.remove('a.dat')
        await it.put('a.dat', 'DATUM')
      },
    ]
    for (const change of changes) {
      await change()
      const [looked] = await it.tree.look(['a.dat'])
      expect(await list(it.tree)).toEqual([looked])
      expect((await it.tree.look(['a.dat', 'none.dat'])).map(({ stamp }) => stamp)[0]).toBe(looked?.stamp)
      stamps.add(looked?.stamp ?? '')
    }
    expect(stamps.size).toBe(changes.length)
    await it.remove('a.dat')
    await it.remove('a.json')
    const [gone] = await it.tree.look(['a.dat'])
    expect([gone?.data.kind, gone?.sidecar.kind]).toEqual(['none', 'none'])
  })

  test('reads sidecars up to a size, and says why it can not', async () => {
    await using it = await open()
    const text = JSON.stringify({ text: 'é'.repeat(60_000) })
    await it.put('a.dat', 'data')
    await it.put('a.json', text)
    const { dataFault, sidecar } = await it.tree.content('a.dat', 200_000)
    expect([dataFault, 'bytes' in sidecar && new TextDecoder().decode(sidecar.bytes)]).toEqual([undefined, text])
    expect((await it.tree.content('a.dat', 1_000)).sidecar).toEqual({ fault: expect.any(String) })
    await it.remove('a.json')
    await it.remove('a.dat')
    const none = await it.tree.content('a.dat', 1_000)
    expect([none.dataFault, none.sidecar]).toEqual([expect.any(String), { fault: expect.any(String) }])
  })

  test('hashes the whole data file', async () => {
    await using it = await open()
    const text = 'tide'.repeat(700_000)
    await it.put('a.dat', text)
    const wanted = createHash('sha256').update(text).digest('hex')
    expect(await it.tree.hash('a.dat', 1e12, NEVER)).toBe(wanted)
    expect(await it.tree.hash('none.dat', 1e12, NEVER)).toBeUndefined()
    await expect(it.tree.hash('a.dat', 1e12, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
}

const NEVER = new AbortController().signal

async function list(tree: FileTree): Promise<readonly Finding[]> {
  const listed: readonly Listed[] = await collected(tree.list(NEVER))
  return listed.filter((each) => 'path' in each)
}
