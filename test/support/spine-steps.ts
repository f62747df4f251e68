/** What tests of the whole pipeline do and ask for, in the world that they are in at the time. */

import { expect } from 'vitest'
import { runProof } from '../../services/commands/proof.ts'
import { runVerify } from '../../services/commands/verify.ts'
import type { Offer } from '../../services/ports/journal.ts'
import { type HostedGateway, identityOf, type World } from './world.ts'

export function stepsOf(world: () => World) {
  async function accept(hosted: HostedGateway, list: readonly Offer[]): Promise<void> {
    const answered = hosted.journal.append({ offers: list })
    await world().clock.advance(0)
    expect(await answered).toEqual({ accepted: list.length, duplicates: 0 })
  }

  /** By two marks newer than now: see `proof --wait`. */
  async function complete(id = 'g1', withinMs = 120_000): Promise<void> {
    let code: number | undefined
    void runProof(world().context, { gateway: id, waitMs: withinMs }).then((each) => {
      code = each
    })
    await world().clock.until('proof ended', () => code !== undefined, withinMs + 1000)
    expect(code, world().printed()).toBe(0)
  }

  /** Each exactly once, and nothing else. */
  async function expectStored(...lists: readonly (readonly Offer[])[]): Promise<void> {
    const want = lists.flat().map((each) => `g1/${each.type}/${each.sensor}/${each.time?.ms}.${each.time?.ns}`)
    expect((await world().stored()).map(identityOf).toSorted()).toEqual(want.toSorted())
  }

  async function cutFor(hosted: HostedGateway, ms: number): Promise<void> {
    hosted.link.cut()
    await world().clock.advance(ms)
  }

  async function audited(json?: '--json'): Promise<number> {
    let code: number | undefined
    void runVerify(world().context, { json: json !== undefined }).then((each) => {
      code = each
    })
    await world().clock.until('verify ended', () => code !== undefined)
    return code ?? -1
  }

  return { accept, complete, expectStored, cutFor, audited }
}
