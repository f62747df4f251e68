/** What the answers of a server make of readings: landed, refused, or nothing said of any. */

import { Double } from 'mongodb'
import { expect, test } from 'vitest'
import type { MongodbConnection } from '../../../infra/mongodb/connection.ts'
import { ReadingWriter } from '../../../infra/mongodb/reading-writer.ts'
import { codeOf } from '../../../services/core/errors.ts'
import { arriving } from '../../contract/reading-store.ts'

const NEVER = new AbortController().signal
const many = (count: number) => Array.from({ length: count }, (_, i) => arriving({ ms: i }))

interface Insert {
  readonly documents: readonly { readonly _id: string; readonly digest: Uint8Array }[]
}

/** Answers inserts as told; holds what `held` says. */
function writerOn(answer: (insert: Insert) => object, held: readonly object[] = []) {
  const inserts: Insert[] = []
  const reads: object[] = []
  const connection: Pick<MongodbConnection, 'run' | 'findFew' | 'driver'> = {
    run: async (command) => {
      inserts.push(command as unknown as Insert)
      return answer(command as unknown as Insert)
    },
    findFew: async (_collection, find) => {
      reads.push(find)
      return held
    },
    driver: async () => ({ Double }) as unknown as Awaited<ReturnType<MongodbConnection['driver']>>,
  }
  return { writer: new ReadingWriter(connection, 'the store m'), inserts, reads }
}

const taken = (...indexes: number[]) => ({
  ok: 1,
  writeErrors: indexes.map((index) => ({ index, code: 11_000, errmsg: 'E11000' })),
})

test('a document the server refuses is rejected with what it said, and the others have landed', async () => {
  const { writer } = writerOn(() => ({
    ok: 1,
    writeErrors: [{ index: 1, code: 121, errmsg: 'Document failed validation' }],
  }))
  expect(await writer.land(many(3), NEVER)).toEqual([
    { outcome: 'stored' },
    { outcome: 'rejected', reason: 'Document failed validation' },
    { outcome: 'stored' },
  ])
})

for (const [what, answer, code] of [
  [
    'a write concern that was not reached',
    { writeConcernError: { code: 64, errmsg: 'timed out' } },
    'store-unavailable',
  ],
  ['one that the replica set does not know', { writeConcernError: { code: 79, errmsg: '?' } }, 'store-misconfigured'],
  ['a full disk', { writeErrors: [{ index: 0, code: 14_031, errmsg: 'no space' }] }, 'store-unavailable'],
  ['an error of no known code', { writeErrors: [{ index: 0, code: 424_242, errmsg: '?' }] }, 'store-unavailable'],
] as const) {
  test(`${what} says nothing about any reading, also not about those inserted`, async () => {
    const { writer } = writerOn(() => ({ ok: 1, n: 2, ...answer }))
    expect(await writer.land(many(3), NEVER).then(() => 'answered', codeOf)).toBe(code)
  })
}

test('what this writer has landed is told a duplicate without being read back; anything else is read', async () => {
  const readings = many(3)
  let answer: object = { ok: 1 }
  const { writer, reads } = writerOn(() => answer, [{ _id: 'g/t/s/0', digest: new Uint8Array(16) }])
  await writer.land(readings, NEVER)
  answer = taken(0, 1, 2)
  expect((await writer.land(readings, NEVER)).map(({ outcome }) => outcome)).toEqual(readings.map(() => 'duplicate'))
  expect(reads).toEqual([])
  answer = taken(0)
  const other = arriving({ ms: 0, values: { v: 2 } })
  expect(await writer.land([other], NEVER)).toEqual([{ outcome: 'conflict', heldDigest: new Uint8Array(16) }])
  expect(reads).toHaveLength(1)
  writer.forget()
  await writer.land(readings.slice(0, 1), NEVER)
  expect(reads).toHaveLength(2)
})

test('a reading that was there and is not when it is read back says nothing: the write is tried again', async () => {
  const { writer } = writerOn(() => taken(0), [])
  expect(await writer.land(many(1), NEVER).then(() => 'answered', codeOf)).toBe('store-unavailable')
})

test('no insert is larger than a server takes, and every reading is in one', async () => {
  const large = Array.from({ length: 40 }, (_, i) => arriving({ ms: i, values: { s: 'x'.repeat(800_000) } }))
  const { writer, inserts } = writerOn(() => ({ ok: 1 }))
  await writer.land([...many(12_000), ...large], NEVER)
  const sizes = inserts.map(({ documents }) => JSON.stringify(documents).length)
  expect(Math.max(...sizes)).toBeLessThan(16_000_000)
  expect(Math.max(...inserts.map(({ documents }) => documents.length))).toBeLessThanOrEqual(5_000)
  expect(inserts.reduce((sum, { documents }) => sum + documents.length, 0)).toBe(12_040)
})
