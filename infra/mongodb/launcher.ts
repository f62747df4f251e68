/** Installs and starts what stands in for MongoDB without containers: FerretDB, which speaks its wire protocol over SQLite. */

import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type EngineProcess, type StartOptions, startEngine } from '../engines/engine-process.ts'
import { installedDir } from '../engines/install.ts'
import { freePort, isListening } from '../engines/ports.ts'
import { type EngineRecipe, GO } from '../engines/recipe.ts'

export const MONGODB: EngineRecipe = {
  name: 'mongodb',
  title: 'FerretDB (in place of MongoDB)',
  version: '1.24.0',
  installTools: [GO],
  runTools: [],
  takes: 'about 2 min',
  install: async ({ dir, recipeDir, run }) => {
    const source = join(dir, 'source')
    await cp(recipeDir, source, { recursive: true })
    const args = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', join(dir, 'ferretdb'), '.']
    await run('fetches and builds it with Go', 'go', args, { cwd: source, env: { CGO_ENABLED: '0', GOFLAGS: '' } })
  },
}

export interface MongodbEngine extends EngineProcess {
  /** With the database `tidemark`. */
  readonly url: string
}

export async function startMongodb(options: StartOptions = {}): Promise<MongodbEngine> {
  const port = await freePort()
  const url = `mongodb://127.0.0.1:${port}/tidemark`
  const engine = await startEngine(
    {
      recipe: MONGODB,
      prepare: async (dir) => {
        await mkdir(join(dir, 'data'))
      },
      command: (dir) => ({
        file: join(installedDir(MONGODB), 'ferretdb'),
        args: [`127.0.0.1:${port}`, join(dir, 'data')],
      }),
      ready: (_said, signal) => isListening(port, signal),
      settings: { STORES: 'mongodb', LEDGER: 'mongodb', MONGODB_URL: url },
    },
    options,
  )
  return Object.assign(engine, { url })
}
