/** The files of this machine as a tree: the contract, names of any bytes, links, and what is no plain file. */

import { execFileSync } from 'node:child_process'
import { link, mkdir, readFile, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { fileTree } from '../../../infra/files/file-tree.ts'
import { systemClock } from '../../../infra/system.ts'
import type { FileTree, Finding, Listed } from '../../../services/ports/file-tree.ts'
import { fileTreeContract } from '../../contract/file-tree.ts'
import { collected } from '../../support/collected.ts'
import { manualClock, settle } from '../../support/manual-clock.ts'
import { memoryTree } from '../../support/memory-tree.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const NAMING = { dataSuffix: '.dat', sidecarSuffix: '.json', clock: systemClock }
const NEVER = new AbortController().signal

async function rootUnderTest() {
  const dir = await temporaryDir()
  const root = join(dir.path, 'root')
  await mkdir(root)
  const tree = fileTree({ path: root, ...NAMING })
  return {
    root,
    tree,
    dir: dir.path,
    [Symbol.asyncDispose]: async () => {
      await tree[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

fileTreeContract('fileTree', async () => {
  const it = await rootUnderTest()
  const { root } = it
  return {
    tree: it.tree,
    put: async (path, content) => {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), content)
    },
    remove: async (path) => {
      await rm(join(root, path))
      await nextTick(it.dir)
    },
    replaceRoot: async () => {
      // The old one stays, so that its place on the disk is not given to the new one.
      await rename(root, `${root}-before`)
      await mkdir(root)
    },
    removeRoot: () => rm(root, { recursive: true }),
    until: async (condition) => {
      while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    [Symbol.asyncDispose]: () => it[Symbol.asyncDispose](),
  }
})

fileTreeContract('memoryTree', async () => {
  const tree = memoryTree(manualClock())
  return {
    tree,
    put: async (path, content) => tree.put(path, content),
    remove: async (path) => tree.remove(path),
    replaceRoot: async () => {
      tree.rootMark = '2:2'
    },
    removeRoot: async () => {
      tree.rootMark = undefined
    },
    until: async (condition) => {
      await settle()
      expect(condition()).toBe(true)
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
})

/** The kernel counts the times of files in ticks of some milliseconds: waits for another one. */
async function nextTick(dir: string): Promise<void> {
  const path = join(dir, 'tick')
  await writeFile(path, '')
  const { ctimeMs } = await stat(path)
  do await writeFile(path, '')
  while ((await stat(path)).ctimeMs === ctimeMs)
}

async function list(tree: FileTree): Promise<readonly Listed[]> {
  return collected(tree.list(NEVER))
}

async function found(tree: FileTree, path: string): Promise<Finding | undefined> {
  return (await list(tree)).filter((each) => 'path' in each).find((each) => each.path === path)
}

test('names with newlines, percent signs and bytes that are no UTF-8 come as text that leads back to the file', async () => {
  await using it = await rootUnderTest()
  const names = ['new\nline', 'per%FFcent', 'tab\t', ' ', 'é😀', 'e\u0301'].map((name) => Buffer.from(name))
  const bytes = [[0xff, 0x41], [0xc3], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98], [0xc3, 0xa9, 0x80]].map((each) =>
    Buffer.from(each),
  )
  for (const [i, name] of [...names, ...bytes].entries()) {
    const path = Buffer.concat([Buffer.from(`${it.root}/`), name])
    await writeFile(Buffer.concat([path, Buffer.from('.dat')]), `data ${i}`)
    await writeFile(Buffer.concat([path, Buffer.from('.json')]), `{"i":${i}}`)
  }
  const listed = (await list(it.tree)).filter((each) => 'path' in each)
  expect(listed.length).toBe(11)
  expect(new Set(listed.map(({ path }) => path))).toEqual(
    new Set([
      'new\nline.dat',
      'per%25FFcent.dat',
      'tab\t.dat',
      ' .dat',
      'é😀.dat',
      'e\u0301.dat',
      '%FFA.dat',
      '%C3.dat',
      '%ED%A0%80.dat',
      '%F0%9F%98.dat',
      'é%80.dat',
    ]),
  )
  for (const { path, stamp } of listed) {
    expect((await it.tree.look([path]))[0]?.stamp, path).toBe(stamp)
    const { dataFault, sidecar } = await it.tree.content(path, 100)
    expect([dataFault, 'bytes' in sidecar], path).toEqual([undefined, true])
  }
})

test('a folder whose name is no UTF-8 is listed, and events in it name its files', async () => {
  await using it = await rootUnderTest()
  const folder = Buffer.concat([Buffer.from(`${it.root}/`), Buffer.from([0x64, 0xfe])])
  await mkdir(folder)
  const seen = new Set<string>()
  it.tree.watch({ seen: (path) => seen.add(path), missed: () => undefined })
  await list(it.tree)
  await writeFile(Buffer.concat([folder, Buffer.from('/a.dat')]), 'x')
  while (!seen.has('d%FE/a.dat')) await new Promise((resolve) => setTimeout(resolve, 5))
  expect((await found(it.tree, 'd%FE/a.dat'))?.data.kind).toBe('file')
})

test('a folder that is removed and made again tells of what comes to it', async () => {
  await using it = await rootUnderTest()
  const seen = new Set<string>()
  it.tree.watch({ seen: (path) => seen.add(path), missed: () => undefined })
  await mkdir(join(it.root, 'day'))
  await list(it.tree)
  const until = async (path: string): Promise<void> => {
    while (!seen.has(path)) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (const name of ['a', 'b', 'c']) {
    await rm(join(it.root, 'day'), { recursive: true })
    await mkdir(join(it.root, 'day'))
    await writeFile(join(it.root, `day/${name}.dat`), 'x')
    await until(`day/${name}.dat`)
    await writeFile(join(it.root, `day/${name}-later.dat`), 'x')
    await until(`day/${name}-later.dat`)
  }
})

test('links inside the root are files, those that lead out of it or nowhere are not, and links to folders are not followed', async () => {
  await using it = await rootUnderTest()
  await mkdir(join(it.root, 'in'))
  await mkdir(join(it.dir, 'root-beside'))
  await writeFile(join(it.root, 'in/real.dat'), 'data')
  await writeFile(join(it.dir, 'root-beside/other.dat'), 'data')
  await symlink('in/real.dat', join(it.root, 'inside.dat'))
  await symlink('../root-beside/other.dat', join(it.root, 'outside.dat'))
  await symlink('nothing', join(it.root, 'nowhere.dat'))
  await symlink('circle.dat', join(it.root, 'circle.dat'))
  await symlink('in', join(it.root, 'folder'))
  await symlink('../../root-beside/other.dat', join(it.root, 'in/real.json'))
  const listed = (await list(it.tree)).filter((each) => 'path' in each)
  expect(listed.map(({ path, data }) => [path, data.kind])).toEqual([
    ['circle.dat', 'broken-link'],
    ['in/real.dat', 'file'],
    ['inside.dat', 'file'],
    ['nowhere.dat', 'broken-link'],
    ['outside.dat', 'outside'],
  ])
  expect((await found(it.tree, 'in/real.dat'))?.sidecar.kind).toBe('outside')
})

test('pipes, sockets and folders in the place of files are told as what they are, and reading them holds nobody up', async () => {
  await using it = await rootUnderTest()
  for (const name of ['pipe.dat', 'side.json']) execFileSync('mkfifo', [join(it.root, name)])
  await writeFile(join(it.root, 'side.dat'), 'data')
  await mkdir(join(it.root, 'folder.json'))
  await writeFile(join(it.root, 'folder.dat'), 'data')
  const server = createServer().listen(join(it.root, 'socket.dat'))
  await new Promise((resolve) => server.once('listening', resolve))
  const kinds = (await list(it.tree)).map((each) => ('path' in each ? [each.path, each.data, each.sidecar.kind] : each))
  server.close()
  expect(kinds).toEqual([
    ['folder.dat', expect.objectContaining({ kind: 'file' }), 'special'],
    ['pipe.dat', { kind: 'special', what: 'a named pipe' }, 'none'],
    ['side.dat', expect.objectContaining({ kind: 'file' }), 'special'],
    ['socket.dat', { kind: 'special', what: 'a socket' }, 'none'],
  ])
  expect((await it.tree.content('side.dat', 100)).sidecar).toEqual({ bytes: Buffer.alloc(0) })
  expect(await it.tree.hash('pipe.dat', 1e9, NEVER)).toBeDefined()
})

test('a file that is replaced or rewritten with its old size and time has another stamp', async () => {
  await using it = await rootUnderTest()
  const path = join(it.root, 'a.dat')
  const at = new Date(1_600_000_000_000)
  await writeFile(path, 'AAAA')
  await utimes(path, at, at)
  const stamps = [(await found(it.tree, 'a.dat'))?.stamp]
  await nextTick(it.dir)
  await writeFile(path, 'BBBB')
  await utimes(path, at, at)
  stamps.push((await found(it.tree, 'a.dat'))?.stamp)
  await nextTick(it.dir)
  await writeFile(join(it.root, 'a.tmp'), 'CCCC')
  await utimes(join(it.root, 'a.tmp'), at, at)
  await rename(join(it.root, 'a.tmp'), path)
  const last = await found(it.tree, 'a.dat')
  stamps.push(last?.stamp)
  expect(new Set(stamps).size).toBe(3)
  expect(last?.data).toMatchObject({ size: 4, modifiedMs: at.getTime() })
})

test('files of many gigabytes and files with several names are plain files', async () => {
  await using it = await rootUnderTest()
  await writeFile(join(it.root, 'big.dat'), '')
  await truncate(join(it.root, 'big.dat'), 5_000_000_000)
  await link(join(it.root, 'big.dat'), join(it.root, 'same.dat'))
  expect((await found(it.tree, 'same.dat'))?.data).toMatchObject({ kind: 'file', size: 5_000_000_000 })
})

test('suffixes of which one ends in the other are told apart', async () => {
  await using it = await rootUnderTest()
  await using tree = fileTree({ path: it.root, clock: systemClock, dataSuffix: '.json', sidecarSuffix: '.meta.json' })
  await writeFile(join(it.root, 'a.json'), 'data')
  await writeFile(join(it.root, 'a.meta.json'), '{}')
  const listed = (await list(tree)).map((each) =>
    'path' in each ? [each.path, each.data.kind, each.sidecar.kind] : each,
  )
  expect(listed).toEqual([['a.json', 'file', 'file']])
})

test('a hash is read no faster than it may be', async () => {
  await using it = await rootUnderTest()
  const slept: number[] = []
  const clock = { ...systemClock, monotonicMs: () => 0, sleep: async (ms: number) => void slept.push(ms) }
  await using tree = fileTree({ ...NAMING, path: it.root, clock })
  await writeFile(join(it.root, 'a.dat'), Buffer.alloc(3 * 1024 * 1024))
  await tree.hash('a.dat', 1024 * 1024, NEVER)
  expect(slept).toEqual([1000, 2000, 3000])
  expect((await readFile(join(it.root, 'a.dat'))).length).toBe(3 * 1024 * 1024)
})
