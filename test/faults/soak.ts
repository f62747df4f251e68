/** `npm run soak -- --for 30m [--seed S]`: random faults on real processes all the time, sizes shown every minute, the checker at the end. */

import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { DURATION_FORM, parseDuration } from '../../services/core/quantities.ts'
import { Soak } from './soaking.ts'

const { values } = parseArgs({
  options: {
    for: { type: 'string', default: '30m' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
  },
})
const forMs = parseDuration(values.for)
if (forMs === undefined) {
  process.stderr.write(`usage: soak [--for DURATION] [--seed S]; expected ${DURATION_FORM}\n`)
  process.exit(2)
}

const failures = await new Soak(values.seed, forMs, (line) => process.stdout.write(`${line}\n`)).run()
process.exit(failures > 0 ? 1 : 0)
