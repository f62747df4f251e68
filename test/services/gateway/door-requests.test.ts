/** Every way a request at a door can end, in the words of its client, and never before the journal has the readings. */

import { describe, expect, it } from 'vitest'
import { TidemarkError } from '../../../services/core/errors.ts'
import type { Answer } from '../../../services/gateway/door-answers.ts'
import { testDoor } from '../../support/door.ts'

const JSON_TYPE = 'application/json'
const good = { type: 'probe', sensor: 's1', time: '2024-05-01T00:00:00Z', values: { level: 1 } }
const bad = { type: 'probe', sensor: 's1', values: { level: 'x' } }

function bodyOf(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.body) as Record<string, unknown>
}

describe('POST /readings', () => {
  it('takes an array, one object and NDJSON alike', async () => {
    const { door, journal } = testDoor()
    const second = { ...good, sensor: 's2' }
    const third = { ...good, sensor: 's3' }
    await door.readings({ text: JSON.stringify([good]), contentType: JSON_TYPE })
    await door.readings({ text: `\ufeff ${JSON.stringify(second, null, 2)}`, contentType: JSON_TYPE })
    const lines = `${JSON.stringify(third)}\r\n\n${JSON.stringify(good)}\n`
    const answer = await door.readings({ text: lines, contentType: 'application/x-ndjson' })
    expect(bodyOf(answer)).toEqual({ accepted: 1, duplicates: 1, rejected: [] })
    expect(journal.taken.map(({ sensor }) => sensor)).toEqual(['s1', 's2', 's3'])
  })

  it('sees NDJSON by its first character', async () => {
    const { door } = testDoor()
    const text = `${JSON.stringify(good)}\n{"type": broken}\n${JSON.stringify({ ...good, sensor: 's2' })}`
    const answer = await door.readings({ text, contentType: '' })
    expect(answer.status).toBe(200)
    expect(bodyOf(answer)).toMatchObject({ accepted: 2, rejected: [{ index: 1, code: 'not-json' }] })
  })

  it('keeps the good ones and names the others by their place', async () => {
    const { door, journal } = testDoor()
    const answer = await door.readings({ text: JSON.stringify([bad, good, 5]), contentType: JSON_TYPE })
    expect(answer.status).toBe(200)
    expect(bodyOf(answer)).toMatchObject({
      accepted: 1,
      duplicates: 0,
      rejected: [
        { index: 0, code: 'value-wrong-type' },
        { index: 2, code: 'not-an-object' },
      ],
    })
    expect(journal.taken).toHaveLength(1)
  })

  it('answers 422 when all were refused, and asks the journal for nothing', async () => {
    const { door, journal } = testDoor()
    const answer = await door.readings({ text: JSON.stringify([bad]), contentType: JSON_TYPE })
    expect(answer.status).toBe(422)
    expect(bodyOf(answer)).toMatchObject({ accepted: 0, rejected: [{ index: 0 }] })
    expect(journal.requests()).toBe(0)
  })

  it.each(['', '  \n', 'hello', '[{"type":', '{"type": broken}', '\ufeff'])('answers %j with 400', async (text) => {
    const answer = await testDoor().door.readings({ text, contentType: JSON_TYPE })
    expect(answer.status).toBe(400)
    expect(bodyOf(answer)).toMatchObject({ code: expect.stringMatching(/^body-/), reason: expect.any(String) })
  })

  it('takes an empty array as nothing to do', async () => {
    const answer = await testDoor().door.readings({ text: '[]', contentType: JSON_TYPE })
    expect([answer.status, bodyOf(answer)]).toEqual([200, { accepted: 0, duplicates: 0, rejected: [] }])
  })

  it('promises room when the journal is full, and nothing when it is poisoned', async () => {
    const { door, journal } = testDoor()
    const request = { text: JSON.stringify([good]), contentType: JSON_TYPE }
    journal.failOnce(new TidemarkError('journal-full'))
    const full = await door.readings(request)
    expect([full.status, full.headers['Retry-After']]).toEqual([503, '10'])
    expect(door.health().status).toBe(200)
    journal.failOnce(new TidemarkError('journal-poisoned'))
    const poisoned = await door.readings(request)
    expect([poisoned.status, poisoned.headers['Retry-After']]).toEqual([503, undefined])
    expect([door.health().status, bodyOf(door.health()).status]).toEqual([503, 'fail'])
  })

  it('answers what it does not understand with 500 and tells nothing of the inside', async () => {
    const { door, journal } = testDoor()
    journal.failOnce(new TypeError('secret'))
    const answer = await door.readings({ text: JSON.stringify([good]), contentType: JSON_TYPE })
    expect(answer.status).toBe(500)
    expect(answer.body).not.toContain('secret')
  })
})

describe('Idempotency-Key', () => {
  const untimed = { type: 'probe', sensor: 's1', values: { level: 1 } }
  const idempotency = { key: 'k1', fingerprint: 'f1' }

  it('gives the first answer again, refusals included, and appends nothing', async () => {
    const { door, journal } = testDoor()
    const request = { text: JSON.stringify([untimed, bad]), contentType: JSON_TYPE, idempotency }
    const first = await door.readings(request)
    const second = await door.readings(request)
    expect(second).toEqual(first)
    expect(bodyOf(second)).toMatchObject({ accepted: 1, rejected: [{ index: 1 }] })
    expect(journal.taken).toHaveLength(1)
  })

  it('refuses another body under the same key', async () => {
    const { door } = testDoor()
    await door.readings({ text: JSON.stringify([untimed]), contentType: JSON_TYPE, idempotency })
    const other = { key: 'k1', fingerprint: 'f2' }
    const answer = await door.readings({ text: JSON.stringify([good]), contentType: JSON_TYPE, idempotency: other })
    expect([answer.status, bodyOf(answer).code]).toEqual([422, 'idempotency-key-reused'])
  })

  it('stays free for the mended request after all were refused', async () => {
    const { door } = testDoor()
    await door.readings({ text: JSON.stringify([bad]), contentType: JSON_TYPE, idempotency })
    const mended = { key: 'k1', fingerprint: 'f2' }
    const answer = await door.readings({ text: JSON.stringify([good]), contentType: JSON_TYPE, idempotency: mended })
    expect(answer.status).toBe(200)
  })

  it.each(['', 'a b', 'x'.repeat(256), 'ü'])('refuses the key %j', async (key) => {
    const { door } = testDoor()
    const request = { text: JSON.stringify([good]), contentType: JSON_TYPE, idempotency: { key, fingerprint: 'f' } }
    expect((await door.readings(request)).status).toBe(400)
  })
})

describe('POST /write', () => {
  it('answers 204 and says how many', async () => {
    const { door, journal } = testDoor()
    const text = '# telegraf\n\nprobe,sensor=s1 level=1,raw=7i 1700000000\r\n  probe,sensor=s2 level=2 1700000000\n'
    const answer = await door.write({ text, precision: 's' })
    expect([answer.status, answer.body, answer.headers['X-Tidemark-Accepted']]).toEqual([204, '', '2'])
    expect(journal.taken[0]).toEqual({
      type: 'probe',
      sensor: 's1',
      labels: {},
      time: { ms: 1_700_000_000_000, ns: 0 },
      values: { level: 1, raw: 7n },
    })
  })

  it('keeps the good lines and names the bad ones by number, as a partial write', async () => {
    const { door, journal } = testDoor()
    const text =
      'probe,sensor=a level=1 1\nnonsense\nlog,sensor=b msg="two\nlines" 2\nprobe level=oops 3\nprobe level=4 4'
    const answer = await door.write({ text, precision: undefined })
    expect(answer.status).toBe(400)
    expect(bodyOf(answer)).toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(
        /^partial write: 3 accepted, dropped=2: line 2: unable to parse 'nonsense': .*line 5/,
      ),
      line: 2,
      accepted: 3,
      rejected: [
        { line: 2, code: 'line-invalid' },
        { line: 5, code: 'line-invalid' },
      ],
    })
    expect(journal.taken).toHaveLength(3)
  })

  it('reads a body of quotes and of no spaces in time that grows with its length only', async () => {
    const { door } = testDoor()
    const answer = await door.write({
      text: `${'a"b\n'.repeat(200_000)}${'m f="a"\n'.repeat(100_000)}`,
      precision: 'ns',
    })
    expect(bodyOf(answer)).toMatchObject({ accepted: 100_000 })
  })

  it('speaks of failures as InfluxDB does', async () => {
    const { door, journal } = testDoor()
    journal.failOnce(new TidemarkError('journal-full'))
    const full = await door.write({ text: 'probe level=1', precision: 'ns' })
    expect([full.status, bodyOf(full).code]).toEqual([503, 'unavailable'])
    const precision = await door.write({ text: 'probe level=1', precision: 'weeks' })
    expect([precision.status, bodyOf(precision).code]).toEqual([400, 'invalid'])
  })
})

describe('GET /journal', () => {
  it('foretells when the journal is full by how it grew', async () => {
    const { door, journal, advance } = testDoor()
    expect(bodyOf(door.usage())).toMatchObject({ gateway: 'local', bytes: 0, oldest: null, time_to_full_s: null })
    advance(10_000)
    journal.bytes = 100_000
    expect(bodyOf(door.usage())).toMatchObject({ bytes: 100_000, max_bytes: 1_000_000, time_to_full_s: 90 })
    journal.bytes = 1_000_000
    expect(bodyOf(door.usage())).toMatchObject({ time_to_full_s: 0 })
  })
})
