/** The embedded schema registry. */

import { expect, test } from 'vitest'
import { embeddedSchemaRegistry } from '../../../infra/embedded/schema-registry.ts'
import { schemaRegistryContract } from '../../contract/schema-registry.ts'
import { memoryDisk, memoryKv } from '../../support/memory-kv.ts'

schemaRegistryContract('the embedded registry', async () => {
  const disk = memoryDisk()
  let kv = memoryKv(disk)
  return {
    registry: embeddedSchemaRegistry(kv),
    reopen: async () => {
      await kv[Symbol.asyncDispose]()
      kv = memoryKv(disk)
      return embeddedSchemaRegistry(kv)
    },
    [Symbol.asyncDispose]: async () => kv[Symbol.asyncDispose](),
  }
})

test('counts its ids from 1, without holes, also past refused schemas', async () => {
  const registry = embeddedSchemaRegistry(memoryKv())
  const schema = (type: string) => JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'a', type }] })
  expect(await registry.register('a', schema('int'))).toBe(1)
  await expect(registry.register('a', schema('string'))).rejects.toMatchObject({ code: 'schema-incompatible' })
  expect(await registry.register('a', schema('long'))).toBe(2)
})

test('touches no key but its own', async () => {
  const kv = memoryKv()
  const neighbours = [Buffer.from('Sa'), Buffer.from('Sz'), Buffer.from('T')]
  await kv.write((tx) => {
    for (const key of neighbours) tx.put(key, Buffer.from('theirs'))
  })
  const registry = embeddedSchemaRegistry(kv)
  await registry.register('a', '"int"')
  expect(await registry.subjects()).toEqual(['a'])
  for (const key of neighbours) expect(Buffer.from(kv.get(key) ?? []).toString()).toBe('theirs')
})
