/** `npm run mutants`: breaks the product in many ways, one at a time, and shows that the simulation notices each: how many seeds it took, and by what verdict. */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packageFile } from '../../services/main/package-files.ts'
import { writeCounts } from '../support/written-counts.ts'
import { type Mutant, mutated, readMutants } from './read-mutants.ts'

interface Caught {
  readonly tried: number
  readonly seed?: number
  readonly verdict?: string
}

const SOURCES = [
  'schemas',
  'topics',
  'services',
  'infra',
  'test',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
]
/** A mutant that makes the simulation spin counts as caught, by that. */
const SPIN_MS = 180_000
const SEEDS_A_RUN = 25

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '150' },
    from: { type: 'string' },
    only: { type: 'string' },
    results: { type: 'string' },
  },
})

const mutants = readMutants().filter(({ id }) => values.only === undefined || id === values.only)
const copy = mkdtempSync(join(tmpdir(), 'tidemark-mutants-'))
let survivors = 0
try {
  for (const source of SOURCES) cpSync(packageFile(source), join(copy, source), { recursive: true })
  symlinkSync(packageFile('node_modules'), join(copy, 'node_modules'))
  for (const mutant of mutants) {
    const caught = attempt(mutant)
    const isRight = caught.verdict !== undefined && mutant.verdicts.includes(caught.verdict)
    if (!isRight) survivors += 1
    const fault = caught.verdict === undefined ? 'SURVIVED ' : isRight ? '' : 'MISTAKEN '
    const tried = isKept(mutant) ? `seed ${mutant.seed}` : `${caught.tried} seeds`
    process.stdout.write(
      `${mutant.id.padEnd(26)} ${`${fault}${tried}`.padStart(18)}  ${(caught.verdict ?? '').padEnd(20)} ${mutant.why}\n`,
    )
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
process.stdout.write(`${mutants.length - survivors} of ${mutants.length} mutants caught\n`)
if (values.results !== undefined) writeCounts(values.results, mutants.length - survivors, survivors)
process.exitCode = survivors > 0 ? 1 : 0

/** Whether its own seed is the one to try; another search is begun with `--from`. */
function isKept(mutant: Mutant): mutant is Mutant & { readonly seed: number } {
  return mutant.seed !== undefined && values.from === undefined
}

function attempt(mutant: Mutant): Caught {
  const path = join(copy, mutant.file)
  const whole = readFileSync(path, 'utf8')
  writeFileSync(path, mutated(mutant, whole))
  try {
    // A mutant may leave something unused: the compiler says so and emits all the same.
    spawnSync(process.execPath, [join(copy, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
      cwd: copy,
    })
    if (isKept(mutant)) return caughtWithin(mutant.seed, 1)
    const [from, seeds] = [Number(values.from ?? 1), Number(values.seeds)]
    for (let tried = 0; tried < seeds; tried += SEEDS_A_RUN) {
      const caught = caughtWithin(from + tried, Math.min(SEEDS_A_RUN, seeds - tried))
      if (caught.verdict !== undefined) return { ...caught, tried: tried + caught.tried }
    }
    return { tried: seeds }
  } finally {
    writeFileSync(path, whole)
  }
}

/** In a process of its own, which ends when it takes too long. */
function caughtWithin(from: number, seeds: number): Caught {
  const args = [join(copy, 'dist/test/mutants/catch.js'), '--from', String(from), '--seeds', String(seeds)]
  const ran = spawnSync(process.execPath, args, { cwd: copy, timeout: SPIN_MS, encoding: 'utf8' })
  const last = ran.stdout.trim().split('\n').at(-1) ?? ''
  if (ran.error !== undefined) return { tried: seeds, verdict: 'spins' }
  if (!last.startsWith('{')) throw new Error(`the mutated copy did not run: ${ran.stderr.slice(0, 2000)}`)
  return JSON.parse(last) as Caught
}
