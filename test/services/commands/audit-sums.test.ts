/** What is summed of a store: up to where the manifests had counted, where the store can tell. */

import { expect, test } from 'vitest'
import { emptySum } from '../../../schemas/canonical.ts'
import type { Epoch } from '../../../schemas/reading.ts'
import { foundSums } from '../../../services/commands/audit-sums.ts'
import type { ReadingStore, StoredReading } from '../../../services/ports/reading-store.ts'
import { arriving, stored, withoutPosition } from '../../contract/reading-store.ts'
import { commandContext } from '../../support/command-context.ts'

test('all of a day counts in a store that keeps no positions, else what the manifest had counted', async () => {
  const context = await commandContext()
  const given = arriving({ seq: 1 })
  const readings = [given, arriving({ seq: 2, ns: 1 }), arriving({ seq: 3, ns: 2 })].map(stored)
  const { gateway, epoch, reading } = given
  const { type, sensor } = reading
  const day = { gateway, type, sensor, day: '2026-01-01' }
  const expected = new Map([['g/t/s/2026-01-01', { ...day, count: 2, sum: emptySum(), asOf: [{ epoch, seq: 2 }] }]])
  const countOf = async (held: readonly StoredReading[]): Promise<number | undefined> => {
    const isLater = (_gateway: string, each: Epoch): boolean => each !== epoch
    return (await foundSums(context, storeOf(held), {}, expected, isLater)).get('g/t/s/2026-01-01')?.count
  }
  expect(await countOf(readings)).toBe(2)
  expect(await countOf(readings.map(withoutPosition))).toBe(3)
})

/** Only read. */
function storeOf(held: readonly StoredReading[]): ReadingStore {
  const never = async (): Promise<never> => {
    throw new Error('a sum asks for nothing else')
  }
  return {
    name: 'given',
    generation: never,
    renew: never,
    write: never,
    probe: never,
    read: async function* () {
      yield held
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}
