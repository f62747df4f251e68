/** `npm run e2e`: every service as its own process on real engines, real files through the door, one fault at a time, judged by the simulation's checker. */

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, parseArgs } from 'node:util'
import { writeCounts } from '../support/written-counts.ts'
import { Cloud } from './run/cloud.ts'
import type { Judgement } from './run/judging.ts'
import { openReaders } from './run/readers.ts'
import { Run } from './run/run.ts'
import type { Scenario } from './run/scenario.ts'
import { GROUPS } from './run/scenarios.ts'

const SCENARIOS = GROUPS.flat()
const HELP = `npm run e2e [-- OPTIONS]: every service as its own process on real engines, one fault at a time

  --only NAME[,NAME]  only these: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --part I/N          of those only every Nth, beginning with the Ith
  --readings N        rows of a real file in one import under a fault (default: 300)
  --seed S            what chance depends on (default: another one each time)
  --results FILE      writes how many scenarios held and failed
  --help

The engines have to be installed: npm run engines -- install. 'cut' and 'replay-mongodb' import the files whole.
`

interface Plan {
  readonly chosen: readonly Scenario[]
  readonly seed: string
  readonly rows: number
  readonly results: string | undefined
}

interface Sum {
  offered: number
  held: number
  duplicates: number
  asked: number
  readonly failed: string[]
}

const plan = planOf(process.argv.slice(2))
if (typeof plan === 'string') {
  process.stderr.write(plan)
  process.exitCode = 2
} else if (plan === undefined) process.stdout.write(HELP)
else process.exitCode = await runAll(plan)

/** What is wrong with the words, or undefined for the help. */
function planOf(args: readonly string[]): Plan | string | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        part: { type: 'string', default: '1/1' },
        readings: { type: 'string', default: '300' },
        seed: { type: 'string', default: randomBytes(4).toString('hex') },
        results: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return undefined
    const only = values.only.flatMap((each) => each.split(','))
    const unknown = only.filter((each) => !SCENARIOS.some(({ name }) => name === each))
    if (unknown.length > 0) return `--only: no scenario ${unknown.join(', ')}\n\n${HELP}`
    if (!/^[1-9]\d{0,5}$/.test(values.readings))
      return `--readings: expected a whole number from 1, came ${values.readings}\n`
    const [, first, parts] = (/^([1-9])\/([1-9])$/.exec(values.part) ?? []).map(Number)
    if (first === undefined || parts === undefined || first > parts)
      return `--part: expected I/N such as 1/2, came ${values.part}\n`
    const chosen = SCENARIOS.filter(({ name }) => only.length === 0 || only.includes(name)).filter(
      (_, i) => i % parts === first - 1,
    )
    return { chosen, seed: values.seed, rows: Number(values.readings), results: values.results }
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`
  }
}

async function runAll(plan: Plan): Promise<0 | 1> {
  const { chosen, seed, results } = plan
  const fromMs = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-e2e-'))
  const sum: Sum = { offered: 0, held: 0, duplicates: 0, asked: 0, failed: [] }
  process.stdout.write(`seed ${seed}\n`)
  for (const [i, group] of GROUPS.entries()) {
    const scenarios = group.filter((each) => chosen.includes(each))
    if (scenarios.length > 0) await runGroup(scenarios, join(folder, `group-${i + 1}`), plan, sum)
  }
  const { failed } = sum
  if (failed.length === 0) rmSync(folder, { recursive: true, force: true })
  else process.stdout.write(`logs: ${folder}\nagain: npm run e2e -- --seed ${seed} --only ${failed}\n`)
  if (results !== undefined) writeCounts(results, chosen.length - failed.length, failed.length)
  process.stdout.write(
    `${chosen.length - failed.length} scenarios held, ${failed.length} failed: ${sum.offered} readings offered, ${sum.held} held by each store, ` +
      `${sum.duplicates} duplicates removed, ${sum.asked} positions asked again, ${secondsSince(fromMs)} s\n`,
  )
  return failed.length === 0 ? 0 : 1
}

async function runGroup(scenarios: readonly Scenario[], folder: string, plan: Plan, sum: Sum): Promise<void> {
  const fromMs = performance.now()
  await using cloud = await Cloud.start(folder)
  await using readers = await openReaders(cloud.engines)
  process.stdout.write(`engines and services run after ${secondsSince(fromMs)} s\n`)
  for (const scenario of scenarios) {
    const { name, recoveryBytesPerS } = scenario
    const run = new Run(cloud, readers, { name, seed: plan.seed, rows: plan.rows, recoveryBytesPerS })
    if (!(await held(scenario, run, sum))) sum.failed.push(name)
  }
}

async function held({ name, promise, run: body }: Scenario, run: Run, sum: Sum): Promise<boolean> {
  const fromMs = performance.now()
  let judgement: Judgement | undefined
  try {
    await run.begin()
    await body(run)
    judgement = await run.end()
  } catch (error) {
    run.failures.push(inspect(error))
  }
  await run.clear()
  const good = run.failures.length === 0
  process.stdout.write(`${good ? 'held' : 'FAILED'} ${name} (${secondsSince(fromMs)} s): ${promise}\n`)
  if (judgement !== undefined) process.stdout.write(outcomeText(judgement, run))
  for (const note of run.notes) process.stdout.write(`  ${note}\n`)
  for (const failure of run.failures) process.stdout.write(`  FAILED ${failure}\n`)
  if (judgement !== undefined) addTo(sum, judgement, run)
  return good
}

function outcomeText({ report, story, held }: Judgement, { load }: Run): string {
  const { counts } = report
  return (
    `  offered ${counts.readings}, accepted ${counts.accepted}, unknown ${counts.unknown}; landed ${held.mongodb} in MongoDB, ${held.influxdb} in InfluxDB\n` +
    `  removed as duplicates: ${load.counts.duplicates} at the door, ${story.duplicates} by the stores; outages ${story.outages}; ` +
    `asked again: ${story.positionsAsked} in ${story.asked.length} requests, ${counts.needless} of them needlessly\n`
  )
}

function addTo(sum: Sum, { report, story, held }: Judgement, { load }: Run): void {
  sum.offered += report.counts.readings
  sum.held += held.mongodb
  sum.duplicates += load.counts.duplicates + story.duplicates
  sum.asked += story.positionsAsked
}

function secondsSince(fromMs: number): string {
  return ((performance.now() - fromMs) / 1000).toFixed(1)
}
