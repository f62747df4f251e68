/** The embedded ledger store on both engines. */

import type { Kv } from '../../../infra/embedded/kv.ts'
import { embeddedLedgerStore } from '../../../infra/embedded/ledger-store.ts'
import { type LedgerStoreUnderTest, ledgerStoreContract } from '../../contract/ledger-store.ts'
import { lmdbUnderTest } from '../../support/lmdb-under-test.ts'
import { memoryDisk, memoryKv } from '../../support/memory-kv.ts'

ledgerStoreContract('embeddedLedgerStore in memory', async () => {
  const disk = memoryDisk()
  return underTest(memoryKv(disk), async () => memoryKv(disk))
})

ledgerStoreContract('embeddedLedgerStore on LMDB', async () => {
  const lmdb = await lmdbUnderTest()
  return underTest(lmdb.kv, lmdb.reopen, lmdb)
})

function underTest(kv: Kv, reopenKv: () => Promise<Kv>, files?: AsyncDisposable): LedgerStoreUnderTest {
  return {
    store: embeddedLedgerStore(kv),
    reopen: async () => embeddedLedgerStore(await reopenKv()),
    [Symbol.asyncDispose]: async () => files?.[Symbol.asyncDispose](),
  }
}
