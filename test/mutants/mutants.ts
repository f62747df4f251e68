/** `npm run mutants`: breaks the product in many ways, one at a time, and shows that the simulation notices each: how many seeds it took, and by what verdict. */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packageFile } from '../../services/main/package-files.ts'
import { writeCounts } from '../support/written-counts.ts'

interface Mutant {
  readonly id: string
  readonly why: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** The classes of verdict that it deserves; another one says that the checker mistakes one fault for another. */
  readonly verdicts: readonly string[]
}

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
    from: { type: 'string', default: '1' },
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
    const seeds = `${caught.verdict === undefined ? 'SURVIVED ' : isRight ? '' : 'MISTAKEN '}${caught.tried}`
    process.stdout.write(
      `${mutant.id.padEnd(26)} ${seeds.padStart(12)} seeds  ${(caught.verdict ?? '').padEnd(20)} ${mutant.why}\n`,
    )
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
process.stdout.write(`${mutants.length - survivors} of ${mutants.length} mutants caught\n`)
if (values.results !== undefined) writeCounts(values.results, mutants.length - survivors, survivors)
process.exitCode = survivors > 0 ? 1 : 0

function readMutants(): readonly Mutant[] {
  const dir = packageFile('test/mutants')
  return readdirSync(dir)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => {
      const mutant = {
        id: name.slice(0, -5),
        ...(JSON.parse(readFileSync(join(dir, name), 'utf8')) as Omit<Mutant, 'id'>),
      }
      const matches = readFileSync(packageFile(mutant.file), 'utf8').split(mutant.find).length - 1
      if (matches !== 1)
        throw new Error(`${name}: expected one match in ${mutant.file}, came ${matches}; mend the mutant`)
      return mutant
    })
}

function attempt({ file, find, replace }: Mutant): Caught {
  const path = join(copy, file)
  const whole = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    whole.replace(find, () => replace),
  )
  try {
    // A mutant may leave something unused: the compiler says so and emits all the same.
    spawnSync(process.execPath, [join(copy, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
      cwd: copy,
    })
    const [from, seeds] = [Number(values.from), Number(values.seeds)]
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
