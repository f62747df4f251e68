/** Runs longer seeds of the simulation, since most faults of a program need their time, until one is judged bad; prints which, how many it took, and by what verdict. Runs inside a mutated copy of the sources. */

import { parseArgs } from 'node:util'
import { loadMessageTypes } from '../../infra/embedded/message-types.ts'
import { packageFile } from '../../services/main/package-files.ts'
import { planOf, runSeed } from '../sim/run-seed.ts'

const { values } = parseArgs({
  options: { from: { type: 'string', default: '1' }, seeds: { type: 'string', default: '100' } },
})
const types = await loadMessageTypes(packageFile('schemas/types'))
const [from, seeds] = [Number(values.from), Number(values.seeds)]
for (let tried = 1; tried <= seeds; tried++) {
  const seed = from + tried - 1
  const verdict = await judged(seed)
  if (verdict === undefined) continue
  process.stdout.write(`${JSON.stringify({ tried, seed, verdict })}\n`)
  process.exit(0)
}
process.stdout.write(`${JSON.stringify({ tried: seeds })}\n`)

/** The first verdict's class, or how the run itself broke; undefined for a clean run. */
async function judged(seed: number): Promise<string | undefined> {
  try {
    return (await runSeed(planOf(seed, { longer: true }), types)).verdicts[0]?.class
  } catch (error) {
    return `broke: ${error instanceof Error ? error.message.slice(0, 80) : String(error)}`
  }
}
