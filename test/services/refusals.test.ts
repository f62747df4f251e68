/** The promise of the whole where something can't land: it is quarantined with a reason, its neighbours land, and audits know of it. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { proofOf } from '../../services/commands/proof.ts'
import { runQuarantineList, runQuarantineRedrive } from '../../services/commands/quarantine.ts'
import type { ArrivingReading } from '../../services/ports/reading-store.ts'
import { stepsOf } from '../support/spine-steps.ts'
import { offers, openWorld, type World } from '../support/world.ts'

const T0 = Date.UTC(2026, 10, 1)
let world: World

beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
})

const { accept, complete, expectStored, cutFor, audited } = stepsOf(() => world)

describe('what can not land', () => {
  test('leaves a reading that its store can not hold out of an audit, once, however often the store began anew', async () => {
    const refuses = ({ reading }: ArrivingReading): boolean => reading.ms === T0 + 4_000
    world.store.refuses = refuses
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    const rejects = async (): Promise<boolean> => (await world.proof('g1')).stores.embedded?.rejected === 1
    await world.clock.until('rejected', rejects)
    await world.wipeStore()
    world.store.refuses = refuses
    await world.clock.until('empty', async () => !(await rejects()))
    await world.clock.until('rejected once more', rejects)
    await world.clock.advance(20_000)
    expect((await world.stored()).length).toBe(9)
    expect(await audited()).toBe(0)
  })

  test('leaves a reading that its store can not hold out of an audit whose manifest does not count it yet', async () => {
    world.store.refuses = ({ reading }) => reading.ms === T0 + 4_000 || reading.ms === T0 + 14_000
    const g1 = await world.startGateway('g1')
    const rejected = async (count: number): Promise<void> => {
      const isSo = async (): Promise<boolean> => (await world.proof('g1')).stores.embedded?.rejected === count
      await world.clock.until(`${count} rejected`, isSo)
      await world.clock.advance(20_000)
    }
    await accept(g1, offers(10, T0))
    await rejected(1)
    world.lose = (topic) => topic === 'manifests'
    await accept(g1, offers(10, T0 + 10_000))
    await rejected(2)
    expect(await audited(), world.printed()).toBe(0)
  })

  test('sends again only what is missing of a day from which its store also refused a reading', async () => {
    world.store.refuses = ({ reading }) => reading.ms === T0 + 4_000
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(10, T0))
    await world.clock.until('closed', async () => (await world.proof('g1')).state === 'closed')
    await world.clock.advance(20_000)
    await world.removeStored(({ reading }) => reading.ms === T0 + 2_000)
    world.printed()
    expect(await audited('--json')).toBe(1)
    expect(JSON.parse(world.printed()).stores).toMatchObject([{ revoked: 1, differences: [{ missing: 1 }] }])
  })

  test('quarantines other values at an identity that is taken, and lands them at the next nanosecond when redriven', async () => {
    const first = await world.startGateway('g1')
    await accept(first, offers(3, T0))
    await complete()
    await first.kill()
    await world.loseDisk('g1')
    const second = await world.startGateway('g1')
    const other = offers(3, T0, 's1', (i) => ({ temperature: i === 1 ? 99 : i + 0.5 }))
    await accept(second, other)
    await world.clock.until('closed', async () => (await world.proof('g1')).stores.embedded?.conflict === 1)
    await runQuarantineList(world.context, { json: true })
    const [entry] = JSON.parse(world.printed())
    expect(entry).toMatchObject({ code: 'conflict', gateway: 'g1' })
    expect((await world.stored()).map(({ reading }) => reading.values.temperature)).toEqual([0.5, 1.5, 2.5])
    expect(await runQuarantineRedrive(world.context, { ids: [entry.id] })).toBe(0)
    await world.clock.until('landed', async () => (await world.proof('g1')).stores.embedded?.conflict === 0)
    const stored = (await world.stored()).map(({ reading }) => [
      reading.ms,
      reading.ns,
      reading.bumpNs,
      reading.values.temperature,
    ])
    expect(stored).toEqual([
      [T0, 0, 0, 0.5],
      [T0 + 1000, 0, 0, 1.5],
      [T0 + 1000, 1, 1, 99],
      [T0 + 2000, 0, 0, 2.5],
    ])
    world.printed()
    await runQuarantineList(world.context, { json: true })
    expect(JSON.parse(world.printed())).toEqual([])
  })

  test('quarantines a record nobody can read, goes on, and asks again for what it held', async () => {
    const g1 = await world.startGateway('g1')
    await accept(g1, offers(5, T0))
    await complete()
    const headers = { kind: 'batch', epoch: g1.journal.epoch, head: '5', ranges: '1-5' }
    const poison = [{ key: 'g1', value: new Uint8Array([0, 0, 0, 9, 9, 1, 2, 3]), headers }]
    await world.messageLog.produce('readings', poison)
    await world.messageLog.produce('readings', [{ key: 'g2', value: new Uint8Array(0), headers: {} }])
    let spoil = 2
    world.spoil = (topic) => topic === 'recovery_data' && spoil-- > 0
    await cutFor(g1, 3000)
    await accept(g1, offers(20, T0 + 100_000))
    g1.link.restore()
    await complete()
    await expectStored(offers(5, T0), offers(20, T0 + 100_000))
    expect(world.sink.counts.undecodable).toBe(4)
    // A name that only a stranger's record has is no gateway.
    expect((await proofOf(world.context)).gateways.map(({ gateway }) => gateway)).toEqual(['g1'])
    world.printed()
    await runQuarantineList(world.context, { json: true })
    expect(JSON.parse(world.printed())).toHaveLength(4)
  })

  test('rejects, after three answers that nobody could read, what is in them', async () => {
    const g1 = await world.startGateway('g1')
    await complete()
    world.spoil = (topic) => topic === 'recovery_data'
    await cutFor(g1, 3000)
    await accept(g1, offers(20, T0))
    g1.link.restore()
    await world.clock.until('closed', async () => (await world.proof('g1')).state === 'closed')
    expect((await world.proof('g1')).stores.embedded).toMatchObject({ rejected: 20, missing: 0 })
    expect(world.recovery.counts.requests).toBe(3)
  })
})
