/** Tests of an engine that is not there are skipped by name, and fail where engines are required. */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryDir } from '../../support/temporary-dir.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const VITEST = `${ROOT}node_modules/vitest/vitest.mjs`

async function runWithoutEngines(required: Readonly<Record<string, string>>) {
  await using dir = await temporaryDir()
  const env = { ...process.env, CI: '', TIDEMARK_REQUIRE_ENGINES: '', ...required, TIDEMARK_ENGINES_DIR: dir.path }
  const args = ['run', '--project', 'engine', '--reporter', 'verbose', 'test/infra/engines.engine.test.ts']
  const { status, stdout, stderr } = spawnSync(process.execPath, [VITEST, ...args], { cwd: ROOT, env })
  return { status, said: `${stdout}${stderr}` }
}

test('without the engine its tests are skipped loudly, with what would run them', async () => {
  const { status, said } = await runWithoutEngines({})
  expect(status).toBe(0)
  expect(said).toMatch(/SKIPPED npm run engines \(not installed: mongodb; run 'npm run engines -- install mongodb'\)/)
  expect(said).toMatch(/2 skipped/)
})

test.each([{ CI: 'true' }, { TIDEMARK_REQUIRE_ENGINES: '1' }])(
  'where engines are required they fail instead: %j',
  async (required) => {
    const { status, said } = await runWithoutEngines(required)
    expect(status).toBe(1)
    expect(said).toMatch(/not installed: mongodb/)
  },
)
