/** Telegraf with what its test needs of it: a client of the door that many people have. */

import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineRecipe } from './recipe.ts'

const TAGS = 'custom,inputs.mem,outputs.influxdb_v2'
const PACKAGE = 'github.com/influxdata/telegraf/cmd/telegraf'

export const TELEGRAF: EngineRecipe = {
  name: 'telegraf',
  title: 'Telegraf',
  version: '1.37.2',
  installTools: [{ command: 'go', title: 'Go 1.26 or newer' }],
  runTools: [],
  takes: 'about 2 min',
  install: async ({ dir, recipeDir, run }) => {
    const source = join(dir, 'source')
    await cp(recipeDir, source, { recursive: true })
    const args = [
      'build',
      '-mod=readonly',
      '-trimpath',
      '-buildvcs=false',
      '-tags',
      TAGS,
      '-o',
      join(dir, 'telegraf'),
      PACKAGE,
    ]
    await run('fetches and builds it with Go', 'go', args, { cwd: source, env: { CGO_ENABLED: '0', GOFLAGS: '' } })
    await rm(source, { recursive: true })
  },
}
