/** The embedded index of recordings on both engines. */

import type { Kv } from '../../../infra/embedded/kv.ts'
import { embeddedRecordingIndex } from '../../../infra/embedded/recording-index.ts'
import { type RecordingIndexUnderTest, recordingIndexContract } from '../../contract/recording-index.ts'
import { lmdbUnderTest } from '../../support/lmdb-under-test.ts'
import { memoryDisk, memoryKv } from '../../support/memory-kv.ts'

recordingIndexContract('embeddedRecordingIndex in memory', async () => {
  const disk = memoryDisk()
  return underTest(memoryKv(disk), async () => memoryKv(disk))
})

recordingIndexContract('embeddedRecordingIndex on LMDB', async () => {
  const lmdb = await lmdbUnderTest()
  return underTest(lmdb.kv, lmdb.reopen, lmdb)
})

function underTest(kv: Kv, reopenKv: () => Promise<Kv>, files?: AsyncDisposable): RecordingIndexUnderTest {
  return {
    index: embeddedRecordingIndex(kv),
    reopen: async () => embeddedRecordingIndex(await reopenKv()),
    [Symbol.asyncDispose]: async () => files?.[Symbol.asyncDispose](),
  }
}
