/** The MongoDB ledger store on a real server: the contract, lost answers, former owners and litter. */

import { MongoClient } from 'mongodb'
import { expect, test } from 'vitest'
import { startMongodb } from '../../../infra/mongodb/launcher.ts'
import { mongodbLedgerStore } from '../../../infra/mongodb/ledger-store.ts'
import type { GatewayId } from '../../../schemas/reading.ts'
import { codeOf } from '../../../services/core/errors.ts'
import type { LedgerChange } from '../../../services/ports/ledger-store.ts'
import { ledgerStoreContract } from '../../contract/ledger-store.ts'
import { engineTests } from '../../support/engines.ts'
import { losingProxy } from './losing-proxy.ts'

const engines = engineTests('mongodb')
const G = 'gateway-1' as GatewayId

let databases = 0

async function freshUrl(): Promise<string> {
  const { url } = await engines.mongodb()
  databases += 1
  return url.replace(/\/[^/]*$/, `/ledger_${databases}`)
}

function change(head: unknown, epochs: Readonly<Record<string, unknown>> = {}): LedgerChange {
  return { head, epochs: new Map(Object.entries(epochs)) }
}

async function codeThrownBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(() => 'answered', codeOf)
}

engines.describe('mongodbLedgerStore', () => {
  ledgerStoreContract('mongodbLedgerStore', async () => {
    const url = await freshUrl()
    const store = mongodbLedgerStore({ url })
    let latest = store
    return {
      store,
      reopen: async () => {
        await latest[Symbol.asyncDispose]()
        latest = mongodbLedgerStore({ url })
        return latest
      },
      [Symbol.asyncDispose]: async () => {
        await latest[Symbol.asyncDispose]()
        await store[Symbol.asyncDispose]()
      },
    }
  })

  test('a save that was done and not answered succeeds when it is tried again, and is done once', async () => {
    await using proxy = await losingProxy(await freshUrl(), 'ledger')
    await using store = mongodbLedgerStore({ url: proxy.url })
    await store.save(G, 0, change('one', { e1: 1 }))
    proxy.loseNextAnswer()
    expect(await codeThrownBy(store.save(G, 1, change('two', { e2: 2 })))).toBe('ledger-unavailable')
    expect(proxy.lost).toBe(1)
    expect(await store.save(G, 1, change('two', { e2: 2 }))).toBe(2)
    expect(await codeThrownBy(store.save(G, 1, change('other', { e2: 2 })))).toBe('ledger-conflict')
    const epochs = new Map(Object.entries({ e1: 1, e2: 2 }))
    expect(await store.load(G)).toEqual({ version: 2, head: 'two', epochs })
  })

  test('of writers at the same version one succeeds, also far from the first', async () => {
    const url = await freshUrl()
    const stores = Array.from({ length: 5 }, () => mongodbLedgerStore({ url }))
    for (let version = 0; version < 40; version += 1) {
      const told = await Promise.all(
        stores.map((store, i) => codeThrownBy(store.save(G, version, change(i, { [`e${i}`]: version })))),
      )
      expect(told.toSorted()).toEqual(['answered', ...new Array<string>(4).fill('ledger-conflict')])
      const winner = told.indexOf('answered')
      const rows = await stores[0]?.load(G)
      expect([rows?.version, rows?.head, rows?.epochs.get(`e${winner}`)]).toEqual([version + 1, winner, version])
    }
    for (const store of stores) await store[Symbol.asyncDispose]()
  })

  test('a former owner far behind is told so and changes nothing, where its versions are long swept away', async () => {
    const url = await freshUrl()
    await using former = mongodbLedgerStore({ url })
    await using owner = mongodbLedgerStore({ url })
    await former.save(G, 0, change('former', { e1: 'former' }))
    for (let version = 1; version < 70; version += 1) await owner.save(G, version, change(version, { e1: version }))
    expect(await codeThrownBy(former.save(G, 1, change('late', { e1: 'late' })))).toBe('ledger-conflict')
    const kept = { version: 70, head: 69, epochs: new Map([['e1', 69]]) }
    expect(await owner.load(G)).toEqual(kept)
    expect(await owner.save(G, 70, change('on', {}))).toBe(71)
    expect(await former.load(G)).toEqual({ ...kept, version: 71, head: 'on' })
  })

  test('what is no longer read is removed: the documents of a gateway do not grow with its saves', async () => {
    const url = await freshUrl()
    await using store = mongodbLedgerStore({ url })
    await using client = await new MongoClient(url).connect()
    const counts: number[] = []
    for (let version = 0; version < 160; version += 1) {
      await store.save(G, version, change(version, { [`e${version % 3}`]: version }))
      if (version % 32 === 31) counts.push(await client.db().collection('ledger').countDocuments())
    }
    expect(counts).toEqual(counts.map(() => 4))
    expect((await store.load(G))?.epochs).toEqual(new Map(Object.entries({ e0: 159, e1: 157, e2: 158 })))
  })

  test('rows larger together than one document may be are saved and loaded', async () => {
    await using store = mongodbLedgerStore({ url: await freshUrl() })
    const rows = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`e${i}`, `${i}`.repeat(3_000_000)]))
    await store.save(G, 0, change('large', rows))
    expect((await store.load(G))?.epochs).toEqual(new Map(Object.entries(rows)))
  })

  test('a server that is away, and one that takes no such user, are told apart by what to do', async () => {
    await using server = await startMongodb()
    await using store = mongodbLedgerStore({ url: server.url.replace('//', '//ann:pass-word@') })
    const refused = await store.load(G).catch((error: Error) => error)
    expect(codeOf(refused)).toBe('ledger-unavailable')
    expect(String(refused)).toMatch(/password.*MONGODB_URL/)
    expect(String(refused)).not.toContain('pass-word')
    await using other = mongodbLedgerStore({ url: server.url })
    await other.save(G, 0, change(1))
    await server.kill()
    const away = await other.save(G, 1, change(2)).catch((error: Error) => error)
    expect(codeOf(away)).toBe('ledger-unavailable')
    await using fresh = mongodbLedgerStore({ url: server.url })
    expect(await codeThrownBy(fresh.save(G, 1, change(2)))).toBe('ledger-unavailable')
    await server.start()
    expect(await codeThrownBy(fresh.save(G, 0, change(2)))).toBe('ledger-conflict')
    expect(await other.save(G, 1, change(2))).toBe(2)
  })
})
