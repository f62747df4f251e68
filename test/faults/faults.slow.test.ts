/** A small selection of the faults, a few seconds of soak, and runs that have to be found broken. */

import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Rig } from './rig.ts'
import { outcomeText, type Plan, withRig } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import { boundsBroken, type Sample } from './sizes.ts'
import { Soak } from './soaking.ts'

const PLAN: Plan = { seed: 'slow', kills: 3, short: true }
const CHOSEN = SCENARIOS.filter(({ name }) => ['kill', 'stop', 'eio-journal'].includes(name))

test('the selection is there', () => {
  expect(CHOSEN).toHaveLength(3)
})

test.each(CHOSEN)('$name: $promise', async ({ run }) => {
  const result = await run(PLAN)
  // In CI a fault that can't be had is a failure: its tool has to be installed there.
  if (result.kind === 'skipped') return expect(process.env.CI, result.why).toBeUndefined()
  expect(result.outcome.failures, outcomeText(result.outcome)).toEqual([])
  expect(result.outcome.checked.accepted).toBeGreaterThan(0)
  expect(Object.keys(result.outcome.faults)).not.toEqual([])
})

test('a reading that was answered with success and is in no store is found: lost, and the proof false', async () => {
  const result = await withRig({ seed: 'lost' }, async (rig: Rig) => {
    await rig.start()
    rig.load.start()
    await rig.progress(50)
    const taken = rig.load.offered.find(({ outcome, time }) => outcome === 'ok' && time !== null)
    if (taken === undefined) throw new Error('no reading was taken')
    rig.load.offered.push({ ...taken, unique: '-1', values: 'temperature=-1' })
    await rig.judge()
  })
  if (result.kind !== 'ran') throw new Error(result.why)
  rmSync(result.outcome.folder, { recursive: true, force: true })
  const found = result.outcome.failures.map((each) => each.split(':')[0])
  expect(new Set(found)).toEqual(new Set(['lost', 'silent', 'false-proof']))
})

test('a soak of seconds holds, and says what it did', async () => {
  const said: string[] = []
  expect(await new Soak('slow', 8000, (line) => said.push(line)).run(), said.join('\n')).toBe(0)
  expect(said.join('\n')).toMatch(/HELD soak[\s\S]*faults: \d+ ×[\s\S]*peak RssAnon [1-9]/)
})

test('memory and files that grow past their bounds are named', () => {
  const limits = { TIDEMARK_JOURNAL_MAX_BYTES: '1MB', TIDEMARK_LOG_KEEP_BYTES: '1MB' }
  const quiet: Sample = { atMs: 0, anon: 1e8, journals: 1e6, log: 1e6, stores: 1e6, ledger: 1e6 }
  const samples = Array.from({ length: 30 }, (_, i) => ({ ...quiet, atMs: i * 60_000 }))
  expect(boundsBroken(samples, limits, 1000)).toEqual([])
  const leaking = samples.map((each, i) => ({ ...each, anon: 1e8 + i * 1e7 }))
  expect(boundsBroken(leaking, limits, 1000)).toEqual([expect.stringContaining('in the last third')])
  for (const file of ['journals', 'log', 'stores', 'ledger'] as const) {
    expect(boundsBroken([{ ...quiet, [file]: 1e8 }], limits, 1000)).toEqual([expect.stringContaining(`the ${file}`)])
  }
})
