/** Installing an engine: only a whole and unchanged one counts, and what is missing is said. */

import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { assertInstalled, installEngine, isInstalled } from '../../../infra/engines/install.ts'
import type { EngineRecipe, Workshop } from '../../../infra/engines/recipe.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

let cache = ''
beforeEach(async () => {
  const dir = await temporaryDir()
  cache = join(dir.path, 'engines')
  vi.stubEnv('TIDEMARK_ENGINES_DIR', cache)
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await dir[Symbol.asyncDispose]()
  })
})

const options = { signal: new AbortController().signal, say: () => undefined }

function recipe(install: EngineRecipe['install'], more: Partial<EngineRecipe> = {}): EngineRecipe {
  const tools = { installTools: [], runTools: [] }
  return { name: 'kafka', title: 'Trial', version: '1', takes: 'a moment', ...tools, install, ...more }
}

async function writes({ dir }: Workshop): Promise<void> {
  await writeFile(join(dir, 'engine'), 'it')
}

describe('an install', () => {
  test('counts when it has ended, and is not made twice', async () => {
    const install = vi.fn(writes)
    const trial = recipe(install)
    expect(isInstalled(trial)).toBe(false)
    expect(() => assertInstalled(trial)).toThrow(/expected Trial 1 in .* run 'npm run engines -- install kafka'/)
    await installEngine(trial, options)
    await installEngine(trial, options)
    expect(install).toHaveBeenCalledTimes(1)
    expect(isInstalled(trial)).toBe(true)
    expect(isInstalled({ ...trial, version: '2' })).toBe(false)
    assertInstalled(trial)
  })

  test('that fails half-way leaves nothing behind', async () => {
    const failing = recipe(async (workshop) => {
      await writes(workshop)
      throw new Error('no more')
    })
    await expect(installEngine(failing, options)).rejects.toThrow('no more')
    expect(await readdir(cache)).toEqual([])
  })

  test('that was killed is not taken for a good one, and its rest is removed by the next', async () => {
    const ended = 2 ** 22 + 1
    await mkdir(join(cache, `.installing-${ended}-abc`, 'engine'), { recursive: true })
    await mkdir(join(cache, `.installing-${process.pid}-abc`), { recursive: true })
    const trial = recipe(writes)
    expect(isInstalled(trial)).toBe(false)
    await installEngine(trial, options)
    expect((await readdir(cache)).filter((name) => name.startsWith('.'))).toEqual([`.installing-${process.pid}-abc`])
  })

  test('refuses files that are not those of the recipe', async () => {
    const changed = recipe(async ({ dir, verify }) => {
      await writeFile(join(dir, 'kafka_2.13-4.1.0.jar'), 'another one')
      await writeFile(join(dir, 'stranger.jar'), '')
      await verify(dir)
    })
    const refused = installEngine(changed, options)
    await expect(refused).rejects.toMatchObject({ code: 'engine-changed' })
    await expect(refused).rejects.toThrow(/HdrHistogram-2.2.2.jar is missing/)
    expect(isInstalled(changed)).toBe(false)
    const sums = recipe(
      async ({ dir, verify }) => {
        await mkdir(join(dir, 'fetched'))
        await writeFile(join(dir, 'fetched', 'stranger.jar'), '')
        await verify(join(dir, 'fetched'))
      },
      { name: 'registry' },
    )
    await expect(installEngine(sums, options)).rejects.toThrow(/all.tar.gz is missing; stranger.jar is unknown/)
  })

  test('says which tools it lacks, and what for', async () => {
    const tools = [{ command: 'no-such-tool', title: 'Maven 3' }]
    const trial = recipe(writes, { installTools: tools })
    await expect(installEngine(trial, options)).rejects.toThrow(
      "to install Trial 1, expected Maven 3 ('no-such-tool' on the PATH), came none; install it to use kafka",
    )
    await installEngine(recipe(writes), options)
    expect(() => assertInstalled(recipe(writes, { runTools: tools }))).toThrow(/to run Trial 1, expected Maven 3/)
  })

  test('shows the last words of a tool that fails', async () => {
    const trial = recipe(({ run }) =>
      run('builds it', process.execPath, ['-e', 'console.error("no room left"); process.exit(3)']).then(
        () => undefined,
      ),
    )
    const failed = installEngine(trial, options)
    await expect(failed).rejects.toMatchObject({ code: 'engine-failed' })
    await expect(failed).rejects.toThrow(/builds it: .* ended with 3 .*\nno room left/s)
  })

  test('ends with its signal, also inside a tool, and leaves nothing behind', async () => {
    const abort = new AbortController()
    const said: string[] = []
    const trial = recipe(({ run }) =>
      run('waits', process.execPath, ['-e', 'setInterval(() => {}, 1000)']).then(() => undefined),
    )
    const say = (line: string): void => {
      said.push(line)
      if (line === 'kafka: waits') setImmediate(() => abort.abort())
    }
    await expect(installEngine(trial, { signal: abort.signal, say })).rejects.toThrow(/abort/)
    expect(await readdir(cache)).toEqual([])
  })
})
