/** A reading as a document and back, through the bytes that the driver sends. */

import fc from 'fast-check'
import { BSON, Double } from 'mongodb'
import { expect, test } from 'vitest'
import { type ReadingDocument, ReadingDocuments, readingOf } from '../../../infra/mongodb/reading-document.ts'
import { toNanos } from '../../../schemas/time.ts'
import { codeOf } from '../../../services/core/errors.ts'
import type { ArrivingReading } from '../../../services/ports/reading-store.ts'
import { arriving, stored } from '../../contract/reading-store.ts'
import { anyReading } from './any-reading.ts'

const documents = new ReadingDocuments(Double)

function documentOf(reading: ArrivingReading, movedNs = 0): ReadingDocument {
  const made = documents.make(reading, movedNs)
  if ('reason' in made) throw new Error(made.reason)
  return made
}

function throughBytes(document: ReadingDocument, change: (document: BSON.Document) => void = () => undefined) {
  const sent = BSON.deserialize(BSON.serialize(document), { useBigInt64: true, promoteBuffers: true })
  change(sent)
  return readingOf(sent as ReadingDocument)
}

test('whatever a reading holds comes back bit for bit', () => {
  fc.assert(
    fc.property(anyReading, (each) => {
      expect(throughBytes(documentOf(each))).toEqual(stored(each))
    }),
  )
})

test('minus zero comes back from a server that keeps no sign of zero', () => {
  const each = arriving({ values: { a: -0, 'b.c': -0, d: 0, e: 1 } })
  const back = throughBytes(documentOf(each), (sent) => {
    for (const name of ['a', 'b%2Ec']) sent.values[name] = 0
  })
  expect(back).toEqual(stored(each))
})

test('a whole number that is a double is one in the document too, and an integer is 64 bits wide', () => {
  const { values } = documentOf(arriving({ values: { a: 5, b: 5n, c: 2 ** 40 } }))
  const kinds = BSON.deserialize(BSON.serialize(values), { promoteValues: false })
  expect([kinds.a, kinds.b, kinds.c].map(({ _bsontype }) => _bsontype)).toEqual(['Double', 'Long', 'Double'])
})

test('the shape is the one that the README promises', () => {
  const each = arriving({
    ...{ gateway: 'g', type: 't', sensor: 's', ms: 1_700_000_000_123, ns: 45, bumpNs: 46, seq: 7 },
    ...{ values: { 'a.b': 1.5, on: true }, labels: { 'room.nr': '12' }, estimated: true, source: 'recovery' },
  })
  expect(documentOf(each)).toEqual({
    _id: 'g/t/s/1700000000123000045',
    gateway: 'g',
    type: 't',
    sensor: 's',
    time: new Date(1_700_000_000_123),
    ns: 45,
    values: { 'a%2Eb': 1.5, on: true },
    labels: { 'room%2Enr': '12' },
    at: { epoch: '0123456789abcdef', seq: 7 },
    digest: each.reading.digest,
    source: 'recovery',
    measured_at: new Date(1_700_000_000_122),
    measured_ns: 999_999,
    estimated: true,
  })
})

test('the id ends in nanoseconds since 1970, whatever the time', () => {
  fc.assert(
    fc.property(anyReading, ({ gateway, reading, ...rest }) => {
      const { type, sensor } = reading
      const { _id } = documentOf({ gateway, reading, ...rest })
      expect(_id).toBe(`${gateway}/${type}/${sensor}/${toNanos(reading)}`)
    }),
  )
  for (const [ms, ns, text] of [
    [0, 0, '0'],
    [0, 7, '7'],
    [-1, 999_999, '-1'],
    [1, 0, '1000000'],
  ] as const) {
    expect(documentOf(arriving({ ms, ns }))._id).toBe(`g/t/s/${text}`)
  }
})

test('a moved reading stands later, its measured time unchanged', () => {
  const each = arriving({ ms: 10, ns: 999_999, bumpNs: 3 })
  const moved = throughBytes(documentOf(each, 2))
  expect(moved.reading).toEqual({ ...each.reading, ms: 11, ns: 1, bumpNs: 5 })
})

test('the bytes of a document are never counted too low', () => {
  fc.assert(
    fc.property(anyReading, (each) => {
      const document = documentOf(each)
      expect(documents.bytes).toBeGreaterThanOrEqual(BSON.calculateObjectSize(document))
    }),
  )
})

test('texts that are not Unicode are told, not changed', () => {
  expect(documents.make(arriving({ values: { ok: 1, s: '\udfff' } }))).toEqual({
    reason: 'the text of s is not valid Unicode',
  })
  expect(documents.make(arriving({ labels: { room: 'x\ud83d' } }))).toEqual({
    reason: 'the label room is not valid Unicode',
  })
})

test('a document that is no reading is reported, never passed off as one', () => {
  for (const foreign of [{ _id: 1 }, { _id: 'x', time: new Date(0), digest: 'no' }]) {
    let code: unknown
    try {
      readingOf(foreign as unknown as ReadingDocument)
    } catch (error) {
      code = codeOf(error)
    }
    expect(code).toBe('store-corrupt')
  }
})
