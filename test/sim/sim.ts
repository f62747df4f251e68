/** `npm run sim`: runs seeds of the simulation, and says what it found and how to see it again. */

import { createWriteStream } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadMessageTypes } from '../../infra/embedded/message-types.ts'
import { packageFile } from '../../services/main/package-files.ts'
import { readMutants } from '../mutants/read-mutants.ts'
import { writeCounts } from '../support/written-counts.ts'
import { Batch } from './batch.ts'
import { mix } from './chance.ts'
import { FAULT_CLASSES, type FaultClass, type Rates } from './faults.ts'
import { planOf, type RunOptions, runSeed, type SeedResult, type SeedVerdict } from './run-seed.ts'
import { replayOf, shrunk, without } from './shrink.ts'
import type { Plan } from './sim-world.ts'

const USAGE = `npm run sim -- [--seed S|COMMIT] [--seeds N] [--longer] [--regressions] [--gateways N] [--readings N] [--faults A,B|none] [--until STEP] [--trace FILE] [--no-shrink]
fault classes: ${FAULT_CLASSES.join(' ')}
`
/** One seed of so many is run twice. */
const TWICE_EVERY = 20
const SHRINK_RUNS = 60
const TOLD_EVERY = 500
const SHOWN = 8

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    gateways: { type: 'string' },
    readings: { type: 'string' },
    faults: { type: 'string' },
    until: { type: 'string' },
    trace: { type: 'string' },
    longer: { type: 'boolean', default: false },
    regressions: { type: 'boolean', default: false },
    results: { type: 'string' },
    'no-shrink': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) process.stdout.write(USAGE)
else process.exitCode = await run()

async function run(): Promise<number> {
  const types = await loadMessageTypes(packageFile('schemas/types'))
  const batch = new Batch()
  const hashes: string[] = []
  for (const [i, seed] of seedsToRun().entries()) {
    const plan = planned(seed)
    const result = await runSeed(plan, types, traced())
    const verdicts = [...result.verdicts]
    if (i % TWICE_EVERY === 0 && values.until === undefined) {
      batch.twice += 1
      const { hash } = await runSeed(plan, types)
      if (hash !== result.hash) verdicts.push(notTheSame(seed, result.hash, hash))
    }
    batch.add({ ...result, verdicts })
    if (batch.seeds % TOLD_EVERY === 0)
      process.stderr.write(`${batch.seeds} seeds, ${batch.failed} failed, the last was ${seed}\n`)
    hashes.push(result.hash)
    if (verdicts.length === 0) continue
    await report({ ...result, verdicts }, (smaller) => runSeed(smaller, types))
  }
  const missing = batch.missing()
  for (const each of missing) process.stdout.write(`MISSING ${each} in ${batch.seeds} seeds\n`)
  const hash = hashes.length === 1 ? hashes[0] : mix(hashes.join(' ')).toString(16).padStart(8, '0')
  process.stdout.write(`${batch.line(hash ?? '')}\n`)
  if (values.results !== undefined)
    writeCounts(values.results, batch.seeds - batch.failed, batch.failed + missing.length)
  return batch.failed > 0 || missing.length > 0 ? 1 : 0
}

/** A commit's id is a seed too: the number in its first digits. */
function seedsToRun(): readonly number[] {
  if (values.regressions) return readMutants().flatMap(({ seed }) => (seed === undefined ? [] : [seed]))
  const first = /^[0-9a-f]{40}$/.test(values.seed) ? Number.parseInt(values.seed.slice(0, 7), 16) : Number(values.seed)
  if (!Number.isSafeInteger(first))
    throw new Error(`expected a whole number or a commit, came ${values.seed}\n${USAGE}`)
  return Array.from({ length: Number(values.seeds) }, (_, i) => first + i)
}

function planned(seed: number): Plan {
  const { gateways, readings, faults } = values
  const longer = values.longer || values.regressions
  const given = {
    longer,
    ...(gateways === undefined ? {} : { gateways: Number(gateways) }),
    ...(readings === undefined ? {} : { readings: Number(readings) }),
    ...(faults === undefined ? {} : { rates: ratesOf(planOf(seed, { longer }).rates, faults) }),
  }
  return planOf(seed, given)
}

/** The seed's own rates where it has the class, else one that strikes now and then. */
function ratesOf(own: Rates, names: string): Rates {
  const wanted = names.split(',').filter((name) => name !== 'none' && name !== '')
  const unknown = wanted.find((name) => !FAULT_CLASSES.includes(name as FaultClass))
  if (unknown !== undefined) throw new Error(`no fault class ${unknown}\n${USAGE}`)
  const dropped = FAULT_CLASSES.filter((kind) => !wanted.includes(kind))
  const added = wanted.filter((kind) => !(kind in own)).map((kind) => [kind, 1])
  return { ...without(own, dropped), ...Object.fromEntries(added) }
}

function traced(): RunOptions {
  const { trace, until } = values
  const limit = until === undefined ? {} : { untilStep: Number(until) }
  if (trace === undefined) return limit
  const out = createWriteStream(trace)
  return { ...limit, trace: (line) => out.write(`${JSON.stringify(line)}\n`) }
}

function notTheSame(seed: number, first: string, second: string): SeedVerdict {
  return { class: 'nondeterminism', identity: `seed ${seed}`, lastSeen: '', detail: `hash ${first}, then ${second}` }
}

async function report(result: SeedResult, again: (plan: Plan) => Promise<SeedResult>): Promise<void> {
  const out = (line: string): void => void process.stdout.write(`${line}\n`)
  const shown = firstOfEachClass(result.verdicts).slice(0, SHOWN)
  for (const verdict of shown) out(`FAIL ${sentence(verdict)}`)
  if (result.verdicts.length > shown.length) out(`FAIL and ${result.verdicts.length - shown.length} more`)
  out(`     ${replayOf(result.plan)}`)
  if (values['no-shrink'] || result.verdicts.some((each) => each.class === 'nondeterminism')) return
  const small = await shrunk(result, again, SHRINK_RUNS)
  out(`     shrunk to ${small.counts.events} events: ${replayOf(small.plan)}`)
  for (const verdict of small.verdicts.slice(0, 3)) out(`     ${sentence(verdict)}`)
}

/** In the order given, but one of each class before the second of any. */
function firstOfEachClass(verdicts: readonly SeedVerdict[]): readonly SeedVerdict[] {
  const first = new Map(verdicts.toReversed().map((each) => [each.class, each]))
  return [...new Set([...first.values(), ...verdicts])]
}

function sentence({ class: kind, identity, lastSeen, detail }: SeedVerdict): string {
  return `${kind} ${identity}${lastSeen === '' ? '' : `, last seen: ${lastSeen}`}: ${detail}`
}
