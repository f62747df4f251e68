/** `npm run bench -- NAME`: the benches by name. */

import { parseArgs } from 'node:util'
import { benchEmbedded } from './embedded.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    readings: { type: 'string', default: '1000000' },
    before: { type: 'string', default: '10000000' },
    epochs: { type: 'string', default: '1000' },
  },
})

if (positionals[0] === 'embedded') {
  await benchEmbedded({
    readings: Number(values.readings),
    before: Number(values.before),
    epochs: Number(values.epochs),
  })
} else {
  process.stderr.write('expected: npm run bench -- embedded [--readings N] [--before N] [--epochs N]\n')
  process.exitCode = 2
}
