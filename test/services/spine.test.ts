/** The promise of the whole: what a gateway accepted lands exactly once and is proven, however link, machines and stores fail in between. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runProof } from '../../services/commands/proof.ts'
import { runWriteoff } from '../../services/commands/writeoff.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Offer } from '../../services/ports/journal.ts'
import type { TopicName } from '../../topics/index.ts'
import { stepsOf } from '../support/spine-steps.ts'
import { identityOf, offers, openWorld, type World } from '../support/world.ts'

const T0 = Date.UTC(2026, 10, 1)
let world: World

beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
})

const { accept, complete, expectStored, cutFor, audited } = stepsOf(() => world)

describe('the spine', () => {
  test('waits for a proof also while the log does not answer, and says why not once the time is over', async () => {
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    let refused = 0
    const proved = async (refusals: number): Promise<string> => {
      refused = refusals
      const messageLog = Object.create(world.messageLog, {
        offsets: {
          value: (topic: TopicName) => {
            if (refused-- > 0) throw new TidemarkError('log-unavailable', 'it has no leader yet')
            return world.messageLog.offsets(topic)
          },
        },
      })
      const run = runProof({ ...world.context, messageLog }, { waitMs: 20_000 })
      let isOver = false
      const over = run.then(
        (code) => `${code}`,
        (error: Error) => error.message,
      )
      void over.then(() => {
        isOver = true
      })
      await world.clock.until('proof ended', () => isOver, 30_000)
      return over
    }
    expect(await proved(3)).toBe('0')
    expect(await proved(Number.POSITIVE_INFINITY)).toContain('it has no leader yet')
  })

  test('lands what is accepted while the link is up, once, and proves it', async () => {
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(100, T0))
    await complete()
    await expectStored(offers(100, T0))
    expect(world.recovery.counts.requests).toBe(0)
  })

  test('a registry that withholds a schema is one outage, however long it takes, and costs no reading', async () => {
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    await complete()
    const away = new TidemarkError('registry-unavailable', 'switched off by the test')
    const register = vi.spyOn(world.context.registry, 'register').mockRejectedValue(away)
    const strange = offers(10, T0 + 100_000).map((offer) => ({ ...offer, type: 'nobody_declared_it' }))
    await accept(g1, strange)
    await world.clock.advance(60_000)
    expect((await world.proof('g1')).state).toBe('open')
    register.mockRestore()
    await complete()
    await expectStored(offers(10, T0), strange)
    expect((await world.proof('g1')).outages).toHaveLength(1)
  })

  test('opens a gap while the link is cut and closes it by itself when it is back', async () => {
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    await complete()
    await cutFor(g1, 5000)
    await accept(g1, offers(50, T0 + 100_000))
    await world.clock.advance(5000)
    expect((await world.proof('g1')).state).toBe('open')
    expect((await world.stored()).length).toBe(10)
    g1.link.restore()
    await accept(g1, offers(5, T0 + 900_000))
    await complete()
    await expectStored(offers(10, T0), offers(50, T0 + 100_000), offers(5, T0 + 900_000))
    const { outages } = await world.proof('g1')
    expect(outages).toHaveLength(1)
    expect(outages[0]).toMatchObject({ state: 'complete', noticed_by: 'uplink' })
    expect(world.sink.counts.duplicate).toBe(0)
    expect(world.recovery.counts.requestedPositions).toBeLessThanOrEqual(55)
  })

  test('loses nothing when the gateway is killed inside the outage and again during recovery', async () => {
    let g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    await cutFor(g1, 3000)
    await accept(g1, offers(3000, T0 + 100_000))
    await g1.kill()
    g1 = await world.startGateway('g1')
    g1.link.cut()
    await accept(g1, offers(40, T0 + 9_000_000))
    await world.clock.advance(5000)
    g1.link.restore()
    await world.clock.until('recovery began', () => world.recovery.counts.requests > 0)
    await g1.kill()
    g1 = await world.startGateway('g1')
    await complete()
    await expectStored(offers(10, T0), offers(3000, T0 + 100_000), offers(40, T0 + 9_000_000))
  })

  test('loses nothing when the cloud restarts during recovery', async () => {
    const g1 = await world.startGateway('g1')
    await cutFor(g1, 3000)
    await accept(g1, offers(3000, T0))
    g1.link.restore()
    await world.clock.until('recovery began', () => world.recovery.counts.requests > 0)
    await world.restartCloud()
    await complete()
    await expectStored(offers(3000, T0))
  })

  test.each([
    ['the first live record after the reconnect is lost', 'readings', 1],
    ['a single reconnect event is lost', 'connection_status', 1],
    ['all connection events are lost', 'connection_status', Number.POSITIVE_INFINITY],
    ['the first request is lost', 'recovery_data_request', 1],
    ['the first part of the answer is lost', 'recovery_data', 1],
  ] as const)('closes the gap although %s', async (_, topic, times) => {
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    await complete()
    await cutFor(g1, 5000)
    await accept(g1, offers(60, T0 + 100_000))
    let left = times
    world.lose = (of) => of === topic && left-- > 0
    g1.link.restore()
    await accept(g1, offers(7, T0 + 900_000))
    await complete()
    await expectStored(offers(10, T0), offers(60, T0 + 100_000), offers(7, T0 + 900_000))
  })

  test('finds a live record that vanished without any outage', async () => {
    const g1 = await world.startGateway('g1')
    let left = 1
    world.lose = (topic, record) => topic === 'readings' && record.headers?.kind === 'batch' && left-- > 0
    await accept(g1, offers(30, T0))
    await complete()
    await expectStored(offers(30, T0))
  })

  test('finds the tail: accepted, then killed before anything was sent', async () => {
    let g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    await complete()
    await cutFor(g1, 1)
    await accept(g1, offers(20, T0 + 100_000))
    await g1.kill()
    g1 = await world.startGateway('g1')
    await complete()
    await expectStored(offers(10, T0), offers(20, T0 + 100_000))
  })

  test('keeps a dead gateway open until it is written off, and lands its readings after all when it comes back', async () => {
    let g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    await complete()
    const epoch = g1.journal.epoch
    world.lose = (topic, record) => topic === 'recovery_data' || record.headers?.kind === 'batch'
    await accept(g1, offers(5, T0 + 100_000))
    await world.clock.advance(1200)
    await g1.kill()
    await world.clock.advance(60_000)
    world.lose = () => false
    expect(await world.proof('g1')).toMatchObject({ state: 'open', pending: 5 })
    await runWriteoff(world.context, { gateway: 'g1', epoch, ranges: '11-', reason: 'drowned' })
    await world.clock.until('closed', async () => (await world.proof('g1')).state === 'closed')
    expect(await world.proof('g1')).toMatchObject({ lost: 5, pending: 0 })
    g1 = await world.startGateway('g1')
    await complete()
    await expectStored(offers(10, T0), offers(5, T0 + 100_000))
    expect(await world.proof('g1')).toMatchObject({ lost: 0, settled: 15 })
  })

  test('asks for nothing that is on the log while a store is away, and drains when it is back', async () => {
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    await complete()
    world.store.away = true
    for (let i = 0; i < 20; i++) {
      await accept(g1, offers(50, T0 + 100_000 * (i + 1)))
      await world.clock.advance(3000)
    }
    expect((await world.proof('g1')).state).toBe('open')
    expect(world.recovery.counts.requests).toBe(0)
    world.store.away = false
    await complete()
    expect((await world.stored()).length).toBe(1010)
    expect(world.recovery.counts.requests).toBe(0)
    expect(world.sink.counts.duplicate).toBe(0)
  })

  test('fills a wiped store from the journal without a hand', async () => {
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(200, T0))
    await complete()
    await world.wipeStore()
    expect(await world.stored()).toEqual([])
    await world.clock.until('asked', () => world.recovery.counts.requests > 0)
    await complete()
    await expectStored(offers(200, T0))
  })

  test('finds a reading removed by hand: verify names its day, proof opens, it lands again', async () => {
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(100, T0))
    await complete()
    await world.clock.advance(20_000)
    expect(await audited()).toBe(0)
    world.printed()
    await world.removeStored(({ reading }) => reading.ms === T0 + 41_000)
    expect((await world.stored()).length).toBe(99)
    expect(await audited('--json')).toBe(1)
    const report = JSON.parse(world.printed())
    expect(report.stores[0].differences).toMatchObject([
      { type: 'temperature', sensor: 's1', day: '2026-11-01', missing: 1 },
    ])
    expect(report.stores[0].revoked).toBe(1)
    await complete()
    await expectStored(offers(100, T0))
    expect(await audited()).toBe(0)
  })

  test('a log that answers and takes nothing is asked less and less often, and gets everything once it takes it', async () => {
    const g1 = await world.startGateway('g1')
    await complete()
    let refused = 0
    world.lose = (topic) => {
      if (topic !== 'readings') return false
      refused += 1
      throw new TidemarkError('log-unavailable', 'too few replicas')
    }
    await accept(g1, offers(10, T0))
    await world.clock.advance(60_000)
    expect(refused).toBeGreaterThan(5)
    expect(refused).toBeLessThan(40)
    world.lose = () => false
    await complete()
    await expectStored(offers(10, T0))
  })

  test('answers void for what a full journal dropped, and closes with exceptions', async () => {
    const g1 = await world.startGateway('g1', { maxBytes: 60_000, whenFull: 'drop-oldest' })
    await accept(g1, offers(10, T0))
    await complete()
    await cutFor(g1, 2000)
    for (let i = 0; i < 40; i++) await accept(g1, offers(100, T0 + 1_000_000 * (i + 1), `s${i}`))
    g1.link.restore()
    await world.clock.until('closed', async () => (await world.proof('g1')).state === 'closed')
    const proof = await world.proof('g1')
    expect(proof.void).toBeGreaterThan(0)
    expect(proof.settled + proof.void).toBe(4010)
    expect((await world.stored()).length).toBe(proof.settled)
    await world.clock.advance(20_000)
    expect(await audited()).toBe(0)
  })

  test('keeps both of two readings at one instant, adds nothing when both come again, and takes the same one once of a hundred times', async () => {
    const g1 = await world.startGateway('g1')
    const at = { ms: T0, ns: 0 }
    const one = { type: 'temperature', sensor: 's1', labels: {}, time: at, values: { temperature: 1 } }
    const other = { ...one, values: { temperature: 2 } }
    await accept(g1, [one, other])
    for (let i = 0; i < 100; i++) {
      const again = g1.journal.append({ offers: [one, other] })
      await world.clock.advance(0)
      expect(await again).toEqual({ accepted: 0, duplicates: 2 })
    }
    await complete()
    const stored = await world.stored()
    expect(stored.map(({ reading }) => [reading.ms, reading.ns, reading.bumpNs, reading.values.temperature])).toEqual([
      [T0, 0, 0, 1],
      [T0, 1, 1, 2],
    ])
  })

  test('lands backdated and future-dated readings like any other', async () => {
    const g1 = await world.startGateway('g1')
    const old = offers(3, Date.UTC(1987, 5, 1))
    const future = offers(3, Date.UTC(2199, 0, 1))
    await accept(g1, future)
    await accept(g1, old)
    await accept(g1, offers(3, T0))
    await complete()
    await expectStored(old, future, offers(3, T0))
  })

  test('a board that boots in 1970, twice, collides with nothing, and its times are marked as guesses', async () => {
    const bare = (i: number): Offer => ({ type: 'temperature', sensor: 's1', labels: {}, values: { temperature: i } })
    for (let boot = 0; boot < 2; boot++) {
      world.clock.setWall(1000)
      const g1 = await world.startGateway('g1')
      await accept(g1, [bare(boot * 2), bare(boot * 2 + 1)])
      world.clock.setWall(Date.UTC(2026, 10, 22, boot + 1))
      await complete()
      if (boot === 0) await g1.kill()
    }
    const stored = await world.stored()
    expect(new Set(stored.map(identityOf)).size).toBe(4)
    expect(stored.every(({ reading }) => reading.estimated && reading.bumpNs === 0)).toBe(true)
  })

  test('a clock that jumped to 2036 and back pins nothing there', async () => {
    const g1 = await world.startGateway('g1')
    const bare = (i: number): Offer => ({ type: 'temperature', sensor: 's1', labels: {}, values: { temperature: i } })
    const years: number[] = []
    for (const [i, year] of [2026, 2036, 2026].entries()) {
      world.clock.setWall(Date.UTC(year, 10, 22, 0, i))
      await accept(g1, [bare(i)])
      await world.clock.advance(2000)
    }
    await complete()
    for (const { reading } of await world.stored()) years.push(new Date(reading.ms).getUTCFullYear())
    expect(years.toSorted()).toEqual([2026, 2026, 2036])
    await cutFor(g1, 3000)
    await accept(g1, offers(20, T0))
    g1.link.restore()
    await complete()
    expect(await world.stored()).toHaveLength(23)
  })
})
