/** A sound file is found sound, in whatever way the engine came to write it. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkFile } from '../../../infra/embedded/file-check.ts'
import { openLmdbKv } from '../../../infra/embedded/lmdb-kv.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const KEY = new TextEncoder().encode('key')

test('a value that got shorter inside its transaction keeps the pages it had, and is no damage', async () => {
  await using folder = await temporaryDir()
  const path = join(folder.path, 'log.mdb')
  {
    await using kv = openLmdbKv(path)
    await kv.write((tx) => {
      tx.put(KEY, new Uint8Array(20_000))
      tx.put(KEY, new Uint8Array(9000))
    })
  }
  expect(checkFile({ kind: 'log', path })).toMatchObject({ sound: true, faults: [] })
})

test('a file that was opened and never written is sound', async () => {
  await using folder = await temporaryDir()
  const path = join(folder.path, 'log.mdb')
  await openLmdbKv(path)[Symbol.asyncDispose]()
  expect(checkFile({ kind: 'log', path })).toMatchObject({ sound: true, faults: [] })
})
