/** Installs and starts a real InfluxDB 2, with organisation, bucket and token made. */

import { randomBytes } from 'node:crypto'
import { cp } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { TidemarkError } from '../../services/core/errors.ts'
import { type EngineProcess, type StartOptions, startEngine } from '../engines/engine-process.ts'
import { installedDir } from '../engines/install.ts'
import { answersHttp, freePort } from '../engines/ports.ts'
import { CARGO, type EngineRecipe, GO, type Workshop } from '../engines/recipe.ts'

const VERSION = '2.7.12'

export const INFLUXDB: EngineRecipe = {
  name: 'influxdb',
  title: 'InfluxDB',
  version: VERSION,
  installTools: [GO, CARGO],
  runTools: [],
  takes: 'about 10 min',
  install,
}

/** Builds inside the module itself, whose own go.sum (and Cargo.lock, for Flux) pins the rest; its checksum stands in the recipe's go.sum. */
async function install({ dir, recipeDir, run }: Workshop): Promise<void> {
  const source = join(dir, 'source')
  await cp(recipeDir, source, { recursive: true })
  const env = { GOFLAGS: '-mod=readonly' }
  const download = ['mod', 'download', '-json', `github.com/influxdata/influxdb/v2@v${VERSION}`]
  const found: unknown = JSON.parse(await run('fetches the source with Go', 'go', download, { cwd: source, env }))
  const cwd = (found as { readonly Dir: string }).Dir
  const tools = join(dir, 'tools')
  const pkgConfig = ['build', '-o', join(tools, 'pkg-config'), 'github.com/influxdata/pkg-config']
  await run('builds the tool that builds Flux', 'go', pkgConfig, { cwd, env })
  const args = ['build', '-trimpath', '-tags', 'sqlite_foreign_keys,sqlite_json', '-o', join(dir, 'influxd')]
  await run('builds it with Go and Rust', 'go', [...args, './cmd/influxd'], {
    cwd,
    env: {
      ...env,
      PATH: `${tools}${delimiter}${process.env.PATH ?? ''}`,
      RUSTUP_TOOLCHAIN: process.env.RUSTUP_TOOLCHAIN ?? 'stable',
      RUSTC_WRAPPER: join(source, 'rustc-wrapper'),
    },
  })
}

export interface InfluxdbEngine extends EngineProcess {
  readonly url: string
  readonly token: string
  readonly org: string
  readonly bucket: string
}

export async function startInfluxdb(options: StartOptions = {}): Promise<InfluxdbEngine> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const access = { token: randomBytes(24).toString('hex'), org: 'tidemark', bucket: 'tidemark' }
  const engine = await startEngine(
    {
      recipe: INFLUXDB,
      command: (dir) => ({
        file: join(installedDir(INFLUXDB), 'influxd'),
        args: [
          'run',
          '--reporting-disabled',
          `--http-bind-address=127.0.0.1:${port}`,
          `--bolt-path=${join(dir, 'influxd.bolt')}`,
          `--sqlite-path=${join(dir, 'influxd.sqlite')}`,
          `--engine-path=${join(dir, 'engine')}`,
        ],
      }),
      ready: (_said, signal) => answersHttp(`${url}/health`, signal),
      firstReady: (signal) => setUp(url, access, signal),
      settings: {
        STORES: 'influxdb',
        INFLUXDB_URL: url,
        INFLUXDB_TOKEN: access.token,
        INFLUXDB_ORG: access.org,
        INFLUXDB_BUCKET: access.bucket,
      },
    },
    options,
  )
  return Object.assign(engine, { url, ...access })
}

async function setUp(url: string, access: { token: string; org: string; bucket: string }, signal: AbortSignal) {
  const body = JSON.stringify({ username: 'tidemark', password: access.token, retentionPeriodSeconds: 0, ...access })
  const answer = await fetch(`${url}/api/v2/setup`, { method: 'POST', body, signal })
  if (!answer.ok) throw new TidemarkError('engine-failed', `expected 201 to /api/v2/setup, came ${answer.status}`)
}
