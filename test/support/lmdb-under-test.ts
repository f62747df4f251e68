/** The LMDB engine in a directory of its own, for suites that close and open it again. */

import { join } from 'node:path'
import type { Kv } from '../../infra/embedded/kv.ts'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { temporaryDir } from './temporary-dir.ts'

export interface LmdbUnderTest extends AsyncDisposable {
  readonly path: string
  readonly kv: Kv
  reopen(): Promise<Kv>
}

export async function lmdbUnderTest(): Promise<LmdbUnderTest> {
  const dir = await temporaryDir()
  const path = join(dir.path, 'test.lmdb')
  const kv = openLmdbKv(path)
  let latest = kv
  return {
    path,
    kv,
    reopen: async () => {
      await latest[Symbol.asyncDispose]()
      latest = openLmdbKv(path)
      return latest
    },
    [Symbol.asyncDispose]: async () => {
      await latest[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}
