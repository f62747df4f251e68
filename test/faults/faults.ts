/** `npm run faults -- [--kills N] [--only NAME] [--seed S]`: real processes under faults, each run judged by the checker. */

import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { writeCounts } from '../support/written-counts.ts'
import { outcomeText } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    only: { type: 'string', multiple: true },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    short: { type: 'boolean', default: false },
    results: { type: 'string' },
  },
})
const plan = { seed: values.seed, kills: Number(values.kills), short: values.short }
const only = values.only ?? []
const chosen = SCENARIOS.filter(({ name, byHand }) => {
  return only.length === 0 ? byHand === undefined : only.some((each) => name.startsWith(each))
})
if (chosen.length === 0 || !Number.isInteger(plan.kills) || plan.kills < 1) {
  const names = SCENARIOS.map(({ name }) => name).join(', ')
  process.stderr.write(`usage: faults [--kills N] [--only NAME]… [--seed S] [--short]; NAME begins one of ${names}\n`)
  process.exit(2)
}

const sum = { readings: 0, ok: 0, unknown: 0, duplicates: 0, asked: 0, faults: 0 }
const failed: string[] = []
const skipped: string[] = []
const begunMs = performance.now()
process.stdout.write(`seed ${plan.seed}, ${plan.kills} kills\n`)
for (const { name, promise, run } of chosen) {
  const fromMs = performance.now()
  const result = await run(plan)
  const seconds = ((performance.now() - fromMs) / 1000).toFixed(1)
  if (result.kind === 'skipped') {
    skipped.push(name)
    process.stdout.write(`skipped ${name}: ${result.why}\n`)
    continue
  }
  const { outcome } = result
  const good = outcome.failures.length === 0
  if (!good) failed.push(name)
  process.stdout.write(`${good ? 'held' : 'BROKEN'} ${name} (${seconds} s): ${promise}\n${outcomeText(outcome)}`)
  sum.readings += outcome.counts.offered
  sum.ok += outcome.counts.ok
  sum.unknown += outcome.counts.unknown
  sum.duplicates += outcome.counts.duplicates + outcome.log.duplicates
  sum.asked += outcome.log.positionsAsked
  sum.faults += Object.values(outcome.faults).reduce((x, y) => x + y, 0)
}
const seconds = Math.round((performance.now() - begunMs) / 1000)
process.stdout.write(
  `${chosen.length - failed.length - skipped.length} scenarios held, ${failed.length} broken, ${skipped.length} skipped: ` +
    `${sum.readings} readings offered, ${sum.ok} ok, ${sum.unknown} unknown, ${sum.faults} faults, ` +
    `${sum.duplicates} duplicates removed, ${sum.asked} positions asked again, ${seconds} s\n`,
)
if (failed.length > 0) {
  process.stdout.write(
    `again: npm run faults -- --seed ${plan.seed} --kills ${plan.kills} --only ${failed.join(' --only ')}\n`,
  )
}
if (values.results !== undefined) {
  // In CI a fault that can't be had is a failure: its tool has to be installed there.
  const wanting = process.env.CI === undefined ? 0 : skipped.length
  writeCounts(values.results, chosen.length - failed.length - skipped.length, failed.length + wanting)
  if (wanting > 0) process.exitCode = 1
}
if (failed.length > 0) process.exitCode = 1
