/** The simulation finds nothing in these seeds, and a seed is a seed: the same one twice is the same run. */

import { expect, test } from 'vitest'
import { loadMessageTypes } from '../../infra/embedded/message-types.ts'
import { packageFile } from '../../services/main/package-files.ts'
import { planOf, runSeed } from './run-seed.ts'

const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1)

test.each(SEEDS)(
  'seed %i settles, and the checker has nothing to say',
  async (seed) => {
    const types = await loadMessageTypes(packageFile('schemas/types'))
    const { verdicts, counts } = await runSeed(planOf(seed), types)
    expect(verdicts).toEqual([])
    expect(counts.readings).toBeGreaterThan(20)
  },
  60_000,
)

test('the same seed twice gives the same hash', async () => {
  const types = await loadMessageTypes(packageFile('schemas/types'))
  const [first, second] = [await runSeed(planOf(3), types), await runSeed(planOf(3), types)]
  expect(second.hash).toBe(first.hash)
}, 60_000)
