/** An engine as a process: killed, stopped, paused and started again on its data; gone with who started it. A small server stands in for the engine. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { backgroundEngine, rememberEngine, stopBackgroundEngine } from '../../../infra/engines/background.ts'
import {
  type EngineProcess,
  type EngineSpec,
  type StartOptions,
  startEngine,
} from '../../../infra/engines/engine-process.ts'
import { installEngine } from '../../../infra/engines/install.ts'
import { freePort } from '../../../infra/engines/ports.ts'
import type { EngineRecipe } from '../../../infra/engines/recipe.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const RECIPE: EngineRecipe = {
  name: 'kafka',
  title: 'Trial',
  version: '1',
  takes: 'a moment',
  installTools: [],
  runTools: [],
  install: async () => undefined,
}

/** Answers with the number of its start, which it keeps in its directory. */
const SERVER = `
const fs = require('node:fs')
const [dir, port] = process.argv.slice(1)
const file = dir + '/starts'
const starts = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) + 1 : 1
fs.writeFileSync(file, String(starts))
require('node:http').createServer((_, answer) => answer.end(String(starts))).listen(port, '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => { fs.writeFileSync(dir + '/asked', ''); process.exit(0) })
`

beforeEach(async () => {
  const dir = await temporaryDir()
  vi.stubEnv('TIDEMARK_ENGINES_DIR', dir.path)
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await dir[Symbol.asyncDispose]()
  })
  await installEngine(RECIPE, { signal: new AbortController().signal, say: () => undefined })
})

async function startTrial(
  script = SERVER,
  options: StartOptions = {},
): Promise<{ readonly engine: EngineProcess; ask(signal?: AbortSignal): Promise<string> }> {
  const port = await freePort()
  const spec: EngineSpec = {
    recipe: RECIPE,
    command: (dir) => ({ file: process.execPath, args: ['-e', script, dir, String(port)] }),
    ready: async (said) => said.includes('ready'),
    settings: { KAFKA_BROKERS: String(port) },
  }
  const engine = await startEngine(spec, options)
  const ask = async (signal: AbortSignal = AbortSignal.timeout(10_000)): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}`, { signal })).text()
  return { engine, ask }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('an engine', () => {
  test('that was killed starts again on its port and data', async () => {
    const { engine, ask } = await startTrial()
    await using _engine = engine
    expect(await ask()).toBe('1')
    await engine.kill()
    expect(engine.pid).toBeUndefined()
    await expect(ask()).rejects.toThrow()
    await engine.start()
    expect(await ask()).toBe('2')
    expect(existsSync(join(engine.dir, 'asked'))).toBe(false)
  })

  test('that is stopped was asked to end before', async () => {
    const { engine } = await startTrial()
    await using _engine = engine
    engine.pause()
    await engine.stop()
    expect(existsSync(join(engine.dir, 'asked'))).toBe(true)
    await engine.stop()
    await engine.kill()
  })

  test('answers nothing while it is paused, and again when it goes on', async () => {
    const { engine, ask } = await startTrial()
    await using _engine = engine
    engine.pause()
    await expect(ask(AbortSignal.timeout(200))).rejects.toThrow(/timeout/)
    engine.resume()
    expect(await ask()).toBe('1')
  })

  test('is gone after disposal, also when it is paused, with its data', async () => {
    const { engine } = await startTrial()
    const { pid, dir } = engine
    engine.pause()
    await engine[Symbol.asyncDispose]()
    await engine[Symbol.asyncDispose]()
    expect(isAlive(pid ?? 0)).toBe(false)
    expect(existsSync(dir)).toBe(false)
  })

  test('that ends before it is ready is an error with its last words', async () => {
    const started = startTrial('console.error("port taken"); process.exit(1)')
    await expect(started).rejects.toMatchObject({ code: 'engine-failed' })
    await expect(started).rejects.toThrow(/Trial 1 ended; its last words were:\nport taken/)
  })

  test('that never gets ready is ended with the signal', async () => {
    const signal = AbortSignal.timeout(300)
    await expect(startTrial('setInterval(() => {}, 1000)', { signal })).rejects.toThrow(/was not ready in time/)
  })
})

describe('an engine in the background', () => {
  test('outlives disposal, is found again, and is gone with its data when it is stopped', async () => {
    const { engine, ask } = await startTrial(SERVER, { leaveRunning: true })
    const { dir, logFile, settings, pid = 0 } = engine
    rememberEngine('kafka', { pid, dir, logFile, settings })
    await engine[Symbol.asyncDispose]()
    expect(await ask()).toBe('1')
    const found = backgroundEngine('kafka')
    expect(found).toMatchObject({ pid: engine.pid, settings: { KAFKA_BROKERS: expect.any(String) } })
    if (found !== undefined) await stopBackgroundEngine('kafka', found)
    expect(backgroundEngine('kafka')).toBeUndefined()
    await expect(ask()).rejects.toThrow()
    expect(existsSync(engine.dir)).toBe(false)
  })

  test('that crashed is not taken for another process that has its number', async () => {
    const { engine } = await startTrial(SERVER, { leaveRunning: true })
    const { dir, logFile, settings } = engine
    rememberEngine('kafka', { pid: process.pid, dir, logFile, settings })
    expect(backgroundEngine('kafka')).toBeUndefined()
    await engine.kill()
  })
})
