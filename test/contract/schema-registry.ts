/** What every schema registry promises (`services/ports/schema-registry.ts`). */

import { describe, expect, test } from 'vitest'
import type { SchemaRegistry } from '../../services/ports/schema-registry.ts'

export interface SchemaRegistryUnderTest extends AsyncDisposable {
  /** Holds nothing yet. */
  readonly registry: SchemaRegistry
  /** Closes it and opens what it kept again. */
  reopen(): Promise<SchemaRegistry>
}

type Open = () => Promise<SchemaRegistryUnderTest>

const LEVEL = { name: 'level', type: 'double' }
const FIRST = record(LEVEL)
const SECOND = record(LEVEL, { name: 'depth', type: ['null', 'double'], default: null })
const BROKEN = record(LEVEL, { name: 'depth', type: 'double' })

export function schemaRegistryContract(label: string, open: Open): void {
  describe(`${label} keeps the contract of a schema registry:`, () => {
    registeringCases(open)
    refusingCases(open)
    askingCases(open)
  })
}

function registeringCases(open: Open): void {
  test('gives a schema an id, and the schema back for it', async () => {
    await using it = await open()
    const id = await it.registry.register('a', FIRST)
    const { id: same, schema } = await it.registry.byId(id)
    expect(same).toBe(id)
    expect(JSON.parse(schema)).toEqual(JSON.parse(FIRST))
  })

  test('gives the same schema the same id, under any subject, however it is spaced, at any time', async () => {
    await using it = await open()
    const ids = await Promise.all([
      it.registry.register('a', FIRST),
      it.registry.register('a', FIRST),
      it.registry.register('b', JSON.stringify(JSON.parse(FIRST), null, 2)),
    ])
    await it.registry.register('a', SECOND)
    ids.push(await it.registry.register('a', FIRST))
    expect(new Set(ids).size).toBe(1)
    expect(JSON.parse((await it.registry.latest('a'))?.schema ?? '')).toEqual(JSON.parse(SECOND))
  })

  test('gives different schemas different ids, also when they come at once', async () => {
    await using it = await open()
    const schemas = Array.from({ length: 10 }, (_, i) => record({ name: `f${i}`, type: 'double' }))
    const ids = await Promise.all(schemas.map((schema, i) => it.registry.register(`subject${i}`, schema)))
    expect(new Set(ids).size).toBe(10)
    for (const id of ids) expect(Number.isInteger(id) && id > 0 && id < 2 ** 32).toBe(true)
  })

  test('keeps all of it', async () => {
    await using it = await open()
    const first = await it.registry.register('a', FIRST)
    const second = await it.registry.register('a', SECOND)
    const again = await it.reopen()
    expect(JSON.parse((await again.byId(first)).schema)).toEqual(JSON.parse(FIRST))
    expect((await again.latest('a'))?.id).toBe(second)
    expect(await again.register('c', FIRST)).toBe(first)
    expect(await again.register('c', SECOND)).toBe(second)
    expect([...(await again.subjects())].sort()).toEqual(['a', 'c'])
  })
}

function refusingCases(open: Open): void {
  test('refuses a schema that could not read what the latest wrote, with the reasons, and keeps the latest', async () => {
    await using it = await open()
    const id = await it.registry.register('a', FIRST)
    await expect(it.registry.register('a', BROKEN)).rejects.toMatchObject({
      code: 'schema-incompatible',
      message: expect.stringMatching(/depth/),
    })
    expect((await it.registry.latest('a'))?.id).toBe(id)
    expect(await it.registry.register('b', BROKEN)).not.toBe(id)
  })

  test('says so beforehand, and writes nothing', async () => {
    await using it = await open()
    await it.registry.register('a', FIRST)
    expect((await it.registry.check('a', BROKEN)).join()).toMatch(/depth/)
    expect(await it.registry.check('a', SECOND)).toEqual([])
    expect(await it.registry.check('new', BROKEN)).toEqual([])
    expect(await it.registry.subjects()).toEqual(['a'])
    expect(JSON.parse((await it.registry.latest('a'))?.schema ?? '')).toEqual(JSON.parse(FIRST))
  })

  test('takes no text that is no schema', async () => {
    await using it = await open()
    for (const text of ['', '{', '{"type": "nonsense"}', '{"type": "record", "name": "R"}']) {
      await expect(it.registry.register('a', text)).rejects.toMatchObject({ code: 'schema-invalid' })
    }
    expect(await it.registry.subjects()).toEqual([])
  })

  test('knows no id it never gave', async () => {
    await using it = await open()
    const id = await it.registry.register('a', FIRST)
    for (const other of [id + 1000, 0, 2 ** 32 - 1]) {
      await expect(it.registry.byId(other)).rejects.toMatchObject({ code: 'schema-unknown' })
    }
  })
}

function askingCases(open: Open): void {
  test('has no latest for a subject nobody registered, even when another begins with its name', async () => {
    await using it = await open()
    await it.registry.register('readings-tidemark.batch.weather', FIRST)
    expect(await it.registry.latest('readings-tidemark.batch.wea')).toBeUndefined()
    expect(await it.registry.latest('x')).toBeUndefined()
  })

  test('names its subjects once each', async () => {
    await using it = await open()
    expect(await it.registry.subjects()).toEqual([])
    await it.registry.register('b', FIRST)
    await it.registry.register('a', FIRST)
    await it.registry.register('a', SECOND)
    expect([...(await it.registry.subjects())].sort()).toEqual(['a', 'b'])
  })

  test('may be disposed of twice', async () => {
    await using it = await open()
    await it.registry[Symbol.asyncDispose]()
    await it.registry[Symbol.asyncDispose]()
  })
}

function record(...fields: object[]): string {
  return JSON.stringify({ type: 'record', name: 'R', namespace: 'test', fields })
}
