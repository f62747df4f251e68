/** Message types read from a folder. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadMessageTypes } from '../../../infra/embedded/message-types.ts'

let dir = ''

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tidemark-types-'))
})

afterEach(async () => {
  await rm(dir, { recursive: true })
})

function type(name: string, field: string): string {
  return JSON.stringify({ type: 'record', name, fields: [{ name: 'a', type: field }] })
}

test('reads every type of the house', async () => {
  const types = await loadMessageTypes(fileURLToPath(new URL('../../../schemas/types', import.meta.url)))
  expect([...types.keys()]).toEqual(expect.arrayContaining(['air_quality', 'soil_moisture', 'temperature', 'weather']))
  expect(types.get('weather')?.fields.find((field) => field.name === 'weather')).toEqual({
    name: 'weather',
    kind: 'string',
    optional: true,
  })
})

test('takes .avsc files alone, by name', async () => {
  await writeFile(join(dir, 'b.avsc'), type('b', 'long'))
  await writeFile(join(dir, 'a.avsc'), type('a', 'double'))
  await writeFile(join(dir, 'README.md'), 'not a type')
  expect([...(await loadMessageTypes(dir)).keys()]).toEqual(['a', 'b'])
})

test('names every bad file in one error', async () => {
  await writeFile(join(dir, 'good.avsc'), type('good', 'long'))
  await writeFile(join(dir, 'float.avsc'), type('float', 'float'))
  await writeFile(join(dir, 'text.avsc'), 'no JSON')
  await writeFile(join(dir, 'other.avsc'), type('another', 'long'))
  await expect(loadMessageTypes(dir)).rejects.toMatchObject({
    code: 'schema-invalid',
    message: expect.stringMatching(/float\.avsc: .*"float".*\n.*other\.avsc: .*another.*\n.*text\.avsc: .*JSON/s),
  })
})

test('says when the folder is not there', async () => {
  await expect(loadMessageTypes(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'schema-invalid' })
})
