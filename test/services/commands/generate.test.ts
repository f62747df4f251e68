/** Generated data depends on the seed alone, arrives whole through every failure of the door, and says what became of it. */

import { describe, expect, it } from 'vitest'
import { runGenerate } from '../../../services/commands/generate.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import { sendContext } from '../../support/send-context.ts'

const URL = 'http://door.test'

describe('generate', () => {
  it('sends so many readings, the two ramps among them', async () => {
    const context = sendContext()
    expect(await runGenerate(context, { url: URL, sensors: 3, count: 1_000 })).toBe(0)
    const { taken } = context.test.journal
    const ramp = (sensor: string) =>
      taken.filter((offer) => offer.sensor === sensor).map(({ values }) => values.temperature)
    expect(taken).toHaveLength(1_000)
    expect(ramp('Node37').slice(0, 102)).toEqual([...Array.from({ length: 101 }, (_, i) => i), 0])
    expect(ramp('Node38').slice(0, 102)).toEqual([...Array.from({ length: 101 }, (_, i) => 100 - i), 100])
    expect(new Set(taken.map(({ type }) => type))).toEqual(new Set(['temperature', 'soil_moisture', 'air_quality']))
    expect(context.said.out).toBe('1,000 accepted, 0 duplicates, 0 refused\n')
  })

  it('gives the same readings for the same seed, and others for another', async () => {
    const context = sendContext()
    await runGenerate(context, { url: URL, sensors: 2, count: 400, seed: 7 })
    await runGenerate(context, { url: URL, sensors: 2, count: 400, seed: 7 })
    expect(context.test.journal.taken).toHaveLength(400)
    expect(context.said.out).toContain('0 accepted, 400 duplicates')
    await runGenerate(context, { url: URL, sensors: 2, count: 400, seed: 8 })
    // The ramps, half of them, are those of every seed.
    expect(context.test.journal.taken).toHaveLength(600)
  })

  it('spreads over the gateways it is told', async () => {
    const context = sendContext()
    await runGenerate(context, { url: URL, gateways: 3, sensors: 1, count: 900 })
    expect(context.posts.map(({ query }) => query?.gateway)).toEqual(['gateway-1', 'gateway-2', 'gateway-3'])
    expect(context.posts.map(({ body }) => (JSON.parse(body) as unknown[]).length)).toEqual([300, 300, 300])
  })

  it('keeps a rate, with times from now on', async () => {
    const context = sendContext()
    await runGenerate(context, { url: URL, sensors: 0, ratePerS: 50, count: 101 })
    const { taken } = context.test.journal
    expect(context.clock.monotonicMs()).toBe(2_000)
    expect(taken[0]?.time).toEqual({ ms: 1_700_000_000_000, ns: 0 })
    expect(taken.at(-1)?.time).toEqual({ ms: 1_700_000_002_000, ns: 0 })
  })

  it('runs without end at a rate until it is stopped, and that is no failure', async () => {
    const stop = new AbortController()
    const context = sendContext({ signal: stop.signal })
    const { clock } = context
    const sleep: typeof clock.sleep = async (ms, signal) => {
      if (clock.monotonicMs() >= 1_000) stop.abort()
      await clock.sleep(ms, signal)
    }
    expect(await runGenerate({ ...context, clock: { ...clock, sleep } }, { url: URL, ratePerS: 10 })).toBe(0)
    expect(context.said.out).toMatch(/^11 accepted/)
  })

  it('loses and doubles nothing when the door is full, away or failing', async () => {
    const context = sendContext()
    context.instead.push(
      { status: 503, headers: { 'retry-after': '7' }, body: '{"code":"journal-full","reason":"the journal is full"}' },
      new TidemarkError('door-unavailable', 'connection reset'),
      { status: 502, headers: {}, body: '<html>' },
      { status: 413, headers: {}, body: '{}' },
    )
    expect(await runGenerate(context, { url: URL, count: 1_000 })).toBe(0)
    expect(context.test.journal.taken).toHaveLength(1_000)
    expect(context.said.out).toBe('1,000 accepted, 0 duplicates, 0 refused\n')
    expect(context.sleptMs[0]).toBe(7_000)
    expect(context.said.note).toMatch(/the journal is full; trying again[\s\S]*connection reset[\s\S]*status 502/)
  })

  it('waits for a full journal however long it takes', async () => {
    const context = sendContext()
    const full = { status: 503, headers: { 'retry-after': '60' }, body: '{}' }
    context.instead.push(...Array.from({ length: 100 }, () => full))
    expect(await runGenerate(context, { url: URL, count: 10 })).toBe(0)
    expect(context.clock.monotonicMs()).toBe(6_000_000)
  })

  it('gives up on a door that never answered, and says how to start it', async () => {
    const context = sendContext()
    const away = new TidemarkError('door-unavailable', 'connection refused')
    context.instead.push(...Array.from({ length: 100 }, () => away))
    await expect(runGenerate(context, { url: URL })).rejects.toMatchObject({
      code: 'not-running',
      message: expect.stringMatching(/connection refused.*tidemark up/),
    })
    expect(context.clock.monotonicMs()).toBeLessThan(20_000)
  })

  it('says what the door refused and why, and that it failed', async () => {
    const context = sendContext()
    const rejected = [{ index: 0, code: 'type-undeclared', reason: 'not here' }]
    context.instead.push({ status: 200, headers: {}, body: JSON.stringify({ accepted: 9, duplicates: 0, rejected }) })
    expect(await runGenerate(context, { url: URL, count: 10 })).toBe(1)
    expect(context.said.out).toBe('9 accepted, 0 duplicates, 1 refused\n')
    expect(context.said.note).toContain('1 × type-undeclared: not here')
  })

  it.each([
    [401, /TIDEMARK_HTTP_TOKEN/],
    [404, /404/],
  ])('takes %i as a wrong use', async (status, message) => {
    const context = sendContext()
    context.instead.push({ status, headers: {}, body: '{"reason":"no"}' })
    await expect(runGenerate(context, { url: URL })).rejects.toThrow(message)
  })

  it('draws its progress on a terminal only, and takes it away in the end', async () => {
    const drawn = sendContext({ terminal: true })
    await runGenerate(drawn, { url: URL, count: 20_000 })
    expect(drawn.said.note).toMatch(/\[#+-*\] +25 % {2}5,000 readings/)
    expect(drawn.said.note.endsWith('\r\u001b[K')).toBe(true)
    const plain = sendContext()
    await runGenerate(plain, { url: URL, count: 20_000 })
    expect(plain.said.note).toBe('')
  })

  it('names every wrong number at once', async () => {
    const options = { url: URL, gateways: 0, sensors: -1, ratePerS: 0, count: 0.5 }
    await expect(runGenerate(sendContext(), options)).rejects.toThrow(/--gateways.*--sensors.*--rate.*--count/)
  })
})
