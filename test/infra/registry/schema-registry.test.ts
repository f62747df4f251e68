/** The registry client against scripted answers: what it keeps, what it sends, and how it classes what goes wrong. */

import { describe, expect, test } from 'vitest'
import { confluentSchemaRegistry } from '../../../infra/registry/schema-registry.ts'
import { codeOf } from '../../../services/core/errors.ts'
import { type Asked, type Scripted, scriptedServer } from '../../support/scripted-server.ts'

const SCHEMA = '{"type":"record","name":"R","fields":[{"name":"a","type":"double"}]}'
const UNKNOWN = { status: 404, body: { error_code: 40403, message: 'Schema not found' } }

/** A registry that holds nothing and takes everything under the id 7. */
function emptyRegistry({ path, method }: Asked): Scripted {
  if (path.endsWith('/versions') && method === 'POST') return { status: 200, body: { id: 7 } }
  return { status: 404, body: { error_code: 40401, message: 'Subject not found' } }
}

describe('the registry client', () => {
  test('asks once for an id, however many wait for it and however often', async () => {
    await using server = await scriptedServer(() => ({ status: 200, body: { schema: SCHEMA } }))
    await using registry = confluentSchemaRegistry({ url: server.url })
    await Promise.all(Array.from({ length: 20 }, () => registry.byId(3)))
    expect(await registry.byId(3)).toEqual({ id: 3, schema: SCHEMA })
    expect(server.asked.map(({ path }) => path)).toEqual(['/schemas/ids/3'])
  })

  test('knows the ids it has met while the registry is away, and asks for the others again when it is back', async () => {
    let away = false
    await using server = await scriptedServer(() => (away ? 'drop' : { status: 200, body: { schema: SCHEMA } }))
    await using registry = confluentSchemaRegistry({ url: server.url })
    await registry.byId(3)
    away = true
    expect((await registry.byId(3)).schema).toBe(SCHEMA)
    await expect(registry.byId(4)).rejects.toMatchObject({ code: 'registry-unavailable', retryable: true })
    away = false
    expect((await registry.byId(4)).schema).toBe(SCHEMA)
  })

  test('does not remember that there was no such id: it may be given later', async () => {
    let answer: Scripted = UNKNOWN
    await using server = await scriptedServer(() => answer)
    await using registry = confluentSchemaRegistry({ url: server.url })
    await expect(registry.byId(4)).rejects.toMatchObject({ code: 'schema-unknown' })
    answer = { status: 200, body: { schema: SCHEMA } }
    expect((await registry.byId(4)).schema).toBe(SCHEMA)
  })

  test.each<[string, Scripted]>([
    ['a 404 of something that is no registry', { status: 404, body: '<html>not here</html>' }],
    ['a 404 without a code of a registry', { status: 404, body: { error_code: 0, message: 'no such path' } }],
    ['a page in place of a schema', { status: 200, body: '<html>welcome</html>' }],
  ])('takes %s for a wrong address, never for an unknown schema', async (_name, answer) => {
    await using server = await scriptedServer(() => answer)
    await using registry = confluentSchemaRegistry({ url: `${server.url}/wrong` })
    for (const work of [() => registry.byId(4), () => registry.latest('a'), () => registry.register('a', SCHEMA)]) {
      const error: unknown = await work().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        code: 'registry-misconfigured',
        retryable: true,
        message: expect.stringContaining('check REGISTRY'),
      })
    }
  })

  test.each([401, 403])('says what to fix when it answers %i, and never the password', async (status) => {
    await using server = await scriptedServer(() => ({ status, body: { error_code: 40101, message: 'Unauthorized' } }))
    await using registry = confluentSchemaRegistry({ url: server.url, username: 'ann', password: 'hush' })
    const error: unknown = await registry.byId(1).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'registry-misconfigured',
      retryable: true,
      message: expect.stringContaining('REGISTRY_PASSWORD'),
    })
    expect(String(error)).not.toContain('hush')
    expect(server.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ann:hush').toString('base64')}`)
  })

  test.each([
    ['TLS at a plain port', (url: string) => url.replace('http', 'https'), 'registry-misconfigured', 'with http:'],
    ['a port where nothing listens', () => 'http://127.0.0.1:1', 'registry-unavailable', 'that it runs'],
  ])('%s: says what to check', async (_, urlOf, code, fix) => {
    await using server = await scriptedServer(() => UNKNOWN)
    await using registry = confluentSchemaRegistry({ url: urlOf(server.url) })
    await expect(registry.subjects()).rejects.toMatchObject({ code, message: expect.stringContaining(fix) })
  })

  test('keeps the path of its address, and takes a user from it', async () => {
    await using server = await scriptedServer(emptyRegistry)
    const url = `${server.url.replace('//', '//ann:h%40sh@')}/apis/ccompat/v7/`
    await using registry = confluentSchemaRegistry({ url })
    expect(await registry.register('a/b', SCHEMA)).toBe(7)
    expect(server.asked.every(({ path }) => path.startsWith('/apis/ccompat/v7/subjects/a%2Fb'))).toBe(true)
    expect(server.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ann:h@sh').toString('base64')}`)
  })

  test('writes nothing that could not read what stands there, even where the registry has no rules', async () => {
    const latest = SCHEMA.replace('"a"', '"b"')
    await using server = await scriptedServer(({ path, ...asked }) =>
      path.endsWith('/latest') ? { status: 200, body: { id: 5, schema: latest } } : emptyRegistry({ path, ...asked }),
    )
    await using registry = confluentSchemaRegistry({ url: server.url })
    await expect(registry.register('a', SCHEMA)).rejects.toMatchObject({ code: 'schema-incompatible' })
    expect(server.asked.filter(({ path }) => path.endsWith('/versions'))).toEqual([])
  })

  test('gives the reasons of a registry that is stricter than we are', async () => {
    await using server = await scriptedServer(({ path, ...asked }) => {
      if (path.endsWith('/latest')) return { status: 200, body: { id: 5, schema: SCHEMA } }
      if (path.startsWith('/compatibility'))
        return { status: 200, body: { is_compatible: false, messages: ['too new'] } }
      return emptyRegistry({ path, ...asked })
    })
    await using registry = confluentSchemaRegistry({ url: server.url })
    expect(await registry.check('a', SCHEMA)).toEqual(['too new'])
  })

  test('gives the words of a registry that refuses on other grounds than the latest schema', async () => {
    await using server = await scriptedServer(({ path, ...asked }) =>
      path.endsWith('/versions')
        ? { status: 409, body: { error_code: 409, message: 'version 1 could not be read' } }
        : emptyRegistry({ path, ...asked }),
    )
    await using registry = confluentSchemaRegistry({ url: server.url })
    await expect(registry.register('a', SCHEMA)).rejects.toMatchObject({
      code: 'schema-incompatible',
      message: expect.stringContaining('version 1 could not be read'),
    })
  })

  test('disposed, it ends what waits for an answer, and answers no more', async () => {
    await using server = await scriptedServer(() => 'hang')
    const registry = confluentSchemaRegistry({ url: server.url })
    const waiting = registry.subjects().catch(codeOf)
    await expect.poll(() => server.asked.length).toBe(1)
    await registry[Symbol.asyncDispose]()
    expect(await waiting).toBe('closed')
    expect(await registry.byId(1).catch(codeOf)).toBe('closed')
  })
})
