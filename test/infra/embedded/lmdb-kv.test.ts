/** The key-value engine on LMDB, and the one in memory that stands in for it: one contract. */

import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { openLmdbKv } from '../../../infra/embedded/lmdb-kv.ts'
import { codeOf } from '../../../services/core/errors.ts'
import { kvContract } from '../../contract/kv.ts'
import { lmdbUnderTest } from '../../support/lmdb-under-test.ts'
import { memoryDisk, memoryKv } from '../../support/memory-kv.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

kvContract('openLmdbKv', lmdbUnderTest)

kvContract('memoryKv', async () => {
  const disk = memoryDisk()
  const kv = memoryKv(disk)
  return {
    kv,
    reopen: async () => {
      await kv[Symbol.asyncDispose]()
      return memoryKv(disk)
    },
    [Symbol.asyncDispose]: () => kv[Symbol.asyncDispose](),
  }
})

const key = Buffer.from('key')

describe('openLmdbKv', () => {
  test('makes the folder it is told to live in', async () => {
    await using dir = await temporaryDir()
    await using kv = openLmdbKv(join(dir.path, 'not', 'yet', 'there.lmdb'))
    await kv.write((tx) => tx.put(key, key))
    expect(kv.get(key)).toBeDefined()
  })

  test('refuses a path this process has open, and gives it free when closed', async () => {
    await using it = await lmdbUnderTest()
    expect(() => openLmdbKv(it.path)).toThrow(expect.objectContaining({ code: 'data-locked' }))
    await it.kv[Symbol.asyncDispose]()
    await using again = openLmdbKv(it.path)
    expect(again.get(key)).toBeUndefined()
  })

  test('says that a file is not what it should be', async () => {
    await using dir = await temporaryDir()
    const folder = join(dir.path, 'a folder')
    await mkdir(folder)
    expect(() => openLmdbKv(folder)).toThrow(expect.objectContaining({ code: 'data-unusable' }))
  })

  test('grows past the address space it began with', async () => {
    await using dir = await temporaryDir()
    await using kv = openLmdbKv(join(dir.path, 'small.lmdb'), { mapBytes: 200_000 })
    const megabyte = Buffer.alloc(1_000_000, 1)
    for (let i = 0; i < 12; i++) {
      await kv.write((tx) => tx.put(Buffer.from(`k${i}`), megabyte))
      for (const row of kv.range({ from: Buffer.from('k'), to: Buffer.from('l') })) expect(row.value.at(-1)).toBe(1)
    }
    expect(kv.get(Buffer.from('k0'))?.length).toBe(1_000_000)
  })

  test('commits thousands of waiting writes, more bytes than one transaction takes', async () => {
    await using it = await lmdbUnderTest()
    const value = Buffer.alloc(10_000, 1)
    const writes = Array.from({ length: 4_000 }, (_, i) => it.kv.write((tx) => tx.put(Buffer.from(`k${i}`), value)))
    await Promise.all(writes)
    expect([...it.kv.range({ from: Buffer.from('k'), to: Buffer.from('l') })].length).toBe(4_000)
  })
})

// Bounding the size of files makes the next commit fail as a full disk would.
const canBoundFiles = spawnSync('prlimit', ['--version']).status === 0

function boundFiles(bytes: number | 'unlimited'): void {
  spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`])
}

describe.skipIf(!canBoundFiles)('a commit that fails (needs prlimit of util-linux)', () => {
  test('rejects every write in it and behind it, and the handle answers no more; reopened it goes on from the last good one', async () => {
    await using it = await lmdbUnderTest()
    await it.kv.write((tx) => tx.put(key, Buffer.from('good')))
    const said = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    boundFiles(it.kv.fileBytes())
    const failed = await Promise.allSettled([
      it.kv.write((tx) => tx.put(key, Buffer.alloc(17_000_000))),
      it.kv.write(() => 'in the next transaction'),
    ])
    boundFiles('unlimited')
    said.mockRestore()
    const codes = failed.map((it) => (it.status === 'rejected' ? codeOf(it.reason) : 'resolved'))
    expect(codes).toEqual(['journal-poisoned', 'journal-poisoned'])
    expect(() => it.kv.get(key)).toThrow(expect.objectContaining({ code: 'journal-poisoned' }))
    await expect(it.kv.write(() => 1)).rejects.toMatchObject({ code: 'journal-poisoned' })
    expect(Buffer.from((await it.reopen()).get(key) ?? []).toString()).toBe('good')
  })
})
