/** No engine stays behind when the process that started it is killed. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test, vi } from 'vitest'
import { temporaryDir } from '../../support/temporary-dir.ts'

const DIST = fileURLToPath(new URL('../../../dist/infra/engines/', import.meta.url))

/** Starts an engine that never ends by itself, also not when it is asked to, and prints its process id. */
const STARTER = `
import { installEngine } from '${pathToFileURL(`${DIST}install.js`)}'
import { startEngine } from '${pathToFileURL(`${DIST}engine-process.js`)}'
const recipe = { name: 'kafka', title: 'Trial', version: '1', takes: '', installTools: [], runTools: [], install: async () => {} }
await installEngine(recipe, { signal: new AbortController().signal, say() {} })
const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready')"
const engine = await startEngine({
  recipe,
  command: (dir) => ({ file: process.execPath, args: ['-e', stubborn, dir] }),
  ready: async (said) => said.includes('ready'),
  settings: {},
}, {})
if (process.argv[1] === 'paused') engine.pause()
console.log(engine.pid)
`

test.each(['running', 'paused'])('a %s engine ends when who started it is killed', async (state) => {
  await using dir = await temporaryDir()
  const starter = spawn(process.execPath, ['--input-type=module', '-e', STARTER, state], {
    env: { ...process.env, TIDEMARK_ENGINES_DIR: dir.path, TMPDIR: dir.path },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await once(starter.stdout, 'data')) as [Buffer]
  const pid = Number(said.toString())
  expect(isAlive(pid)).toBe(true)
  starter.kill('SIGKILL')
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000 })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
