/** Installs and starts a real schema registry: Apicurio, asked through its Confluent-compatible API. */

import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type EngineProcess, type StartOptions, startEngine } from '../engines/engine-process.ts'
import { installedDir } from '../engines/install.ts'
import { answersHttp, freePort } from '../engines/ports.ts'
import { type EngineRecipe, JAVA, MAVEN, type Tool } from '../engines/recipe.ts'

const VERSION = '2.6.13.Final'
const TAR: Tool = { command: 'tar', title: 'tar' }

export const REGISTRY: EngineRecipe = {
  name: 'registry',
  title: 'Apicurio Registry',
  version: VERSION,
  installTools: [MAVEN, TAR],
  runTools: [JAVA],
  takes: 'about 10 s',
  install: async ({ dir, recipeDir, run, verify }) => {
    const fetched = join(dir, 'fetched')
    await mkdir(fetched)
    await cp(join(recipeDir, 'pom.xml'), join(dir, 'pom.xml'))
    const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${fetched}`]
    await run('fetches it with Maven', 'mvn', args, { cwd: dir })
    await verify(fetched)
    const archive = join(fetched, `apicurio-registry-app-${VERSION}-all.tar.gz`)
    await run('unpacks it', 'tar', ['-xzf', archive, '-C', dir])
    await rm(fetched, { recursive: true })
  },
}

export interface RegistryEngine extends EngineProcess {
  /** The root of the Confluent-compatible API. */
  readonly url: string
}

export async function startRegistry(options: StartOptions = {}): Promise<RegistryEngine> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const url = `${origin}/apis/ccompat/v7`
  const engine = await startEngine(
    {
      recipe: REGISTRY,
      command: (dir) => ({
        file: 'java',
        args: [
          '-Xmx400m',
          '-XX:+UseSerialGC',
          '-XX:TieredStopAtLevel=1',
          '-Dquarkus.http.host=127.0.0.1',
          `-Dquarkus.http.port=${port}`,
          `-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${join(dir, 'registry')};WRITE_DELAY=0`,
          '-jar',
          join(installedDir(REGISTRY), `apicurio-registry-app-${VERSION}-runner.jar`),
        ],
      }),
      ready: (_said, signal) => answersHttp(`${url}/subjects`, signal),
      settings: { REGISTRY: url },
    },
    options,
  )
  return Object.assign(engine, { url })
}
