/** The MongoDB index of recordings on a real server: the contract, content of others, refusals, and a server that is away. */

import { MongoClient, ObjectId } from 'mongodb'
import { expect, test } from 'vitest'
import { startMongodb } from '../../../infra/mongodb/launcher.ts'
import { mongodbRecordingIndex } from '../../../infra/mongodb/recording-index.ts'
import { codeOf } from '../../../services/core/errors.ts'
import type { NewRecording } from '../../../services/ports/recording-index.ts'
import { recordingIndexContract } from '../../contract/recording-index.ts'
import { collected } from '../../support/collected.ts'
import { engineTests } from '../../support/engines.ts'

const engines = engineTests('mongodb')
const NEVER = new AbortController().signal

let databases = 0

async function freshUrl(): Promise<string> {
  const { url } = await engines.mongodb()
  databases += 1
  return url.replace(/\/[^/]*$/, `/recordings_${databases}`)
}

function recording(path: string, metadata: NewRecording['metadata'] = {}): NewRecording {
  const facts = { state: 'final', reason: '', stamp: 's', foundMs: 1, indexedMs: 2 } as const
  return { path, id: path, metadata, ...facts }
}

engines.describe('mongodbRecordingIndex', () => {
  recordingIndexContract('mongodbRecordingIndex', async () => {
    const options = { url: await freshUrl(), collection: 'recordings' }
    const index = mongodbRecordingIndex(options)
    let latest = index
    return {
      index,
      reopen: async () => {
        await latest[Symbol.asyncDispose]()
        latest = mongodbRecordingIndex(options)
        return latest
      },
      [Symbol.asyncDispose]: async () => {
        await latest[Symbol.asyncDispose]()
        await index[Symbol.asyncDispose]()
      },
    }
  })

  test('documents of others in the collection are neither read nor changed, and nothing but entries is added to it', async () => {
    const url = await freshUrl()
    await using client = await new MongoClient(url).connect()
    const node4 = client.db().collection('node4')
    const theirs = [
      { _id: new ObjectId(), file: 'a.dat' },
      { _id: 'root' as unknown as ObjectId, n: 1 },
    ]
    await node4.insertMany(theirs)
    await using index = mongodbRecordingIndex({ url, collection: 'node4' })
    await index.claim('root', { holder: 'a', nowMs: 1, untilMs: 2 }, NEVER)
    await index.noteRoot('root', { mark: '1:1' }, NEVER)
    await index.insert('root', [recording('a.dat', { site: 'x' }), recording('b.dat')], NEVER)
    expect((await collected(index.read('root', NEVER))).map(({ path }) => path)).toEqual(['a.dat', 'b.dat'])
    expect(await node4.countDocuments()).toBe(4)
    expect(await node4.findOne({ 'metadata.site': 'x' })).toMatchObject({
      root: 'root',
      path: 'a.dat',
      found: new Date(1),
    })
    expect(await node4.find({ _id: { $in: theirs.map(({ _id }) => _id) } }).toArray()).toHaveLength(2)
  })

  test('sidecars larger together than one command may be are inserted', async () => {
    await using index = mongodbRecordingIndex({ url: await freshUrl(), collection: 'recordings' })
    const large = Array.from({ length: 30 }, (_, i) => recording(`${i}.dat`, { text: `${i % 10}`.repeat(900_000) }))
    expect(await index.insert('root', large, NEVER)).toEqual(large.map(() => 'made'))
    expect((await index.find('root', '29.dat', NEVER))?.metadata).toEqual(large[29]?.metadata)
  })

  test('what no document can hold is refused alone, and its neighbours are made', async () => {
    await using index = mongodbRecordingIndex({ url: await freshUrl(), collection: 'recordings' })
    const endless = { number: Number.POSITIVE_INFINITY }
    const told = await index.insert(
      'root',
      [recording('a.dat'), recording('endless.dat', endless), recording('b.dat')],
      NEVER,
    )
    expect(told).toEqual(['made', { refused: expect.any(String) }, 'made'])
    const facts = { state: 'final', reason: '', stamp: 't', metadata: endless } as const
    const revisions = ['a.dat', 'b.dat'].map((path) => ({ path, from: 1, revisedMs: 5, facts }))
    expect(await index.revise('root', revisions, NEVER)).toEqual(revisions.map(() => ({ refused: expect.any(String) })))
    expect((await index.find('root', 'a.dat', NEVER))?.revision).toBe(1)
  })

  test('a server that is away is worth another try, and the same handle finds it again', async () => {
    await using server = await startMongodb()
    await using index = mongodbRecordingIndex({ url: server.url, collection: 'recordings' })
    await index.insert('root', [recording('a.dat')], NEVER)
    await server.kill()
    expect(await index.insert('root', [recording('b.dat')], NEVER).catch(codeOf)).toBe('store-unavailable')
    expect(await index.probe(NEVER).catch(codeOf)).toBe('store-unavailable')
    await server.start()
    expect(await index.insert('root', [recording('a.dat'), recording('b.dat')], NEVER)).toEqual(['present', 'made'])
  })
})
