/** The registry client on a real Apicurio, through its Confluent-compatible API. */

import { expect, test } from 'vitest'
import { startRegistry } from '../../../infra/registry/launcher.ts'
import { confluentSchemaRegistry } from '../../../infra/registry/schema-registry.ts'
import { schemaRegistryContract } from '../../contract/schema-registry.ts'
import { engineTests } from '../../support/engines.ts'

const engines = engineTests('registry')

async function clear(url: string): Promise<void> {
  const subjects = (await (await fetch(`${url}/subjects`)).json()) as readonly string[]
  for (const subject of subjects) {
    for (const how of ['', '?permanent=true']) {
      await fetch(`${url}/subjects/${encodeURIComponent(subject)}${how}`, { method: 'DELETE' })
    }
  }
}

engines.describe('confluentSchemaRegistry', () => {
  schemaRegistryContract('confluentSchemaRegistry', async () => {
    const { url } = await engines.registry()
    await clear(url)
    return {
      registry: confluentSchemaRegistry({ url }),
      reopen: async () => confluentSchemaRegistry({ url }),
      [Symbol.asyncDispose]: async () => {},
    }
  })

  test('a registry that was killed is away, but for the ids that are known, and goes on where it was', async () => {
    await using engine = await startRegistry()
    await using registry = confluentSchemaRegistry({ url: engine.url })
    const known = await registry.register('a', '"int"')
    const other = await registry.register('b', '"long"')
    await registry.byId(known)
    await engine.kill()
    expect((await registry.byId(known)).schema).toBe('"int"')
    await expect(registry.byId(other)).rejects.toMatchObject({ code: 'registry-unavailable' })
    await expect(registry.register('a', '"int"')).rejects.toMatchObject({ code: 'registry-unavailable' })
    await engine.start()
    expect((await registry.byId(other)).schema).toBe('"long"')
    expect(await registry.register('a', '"int"')).toBe(known)
  })
})
