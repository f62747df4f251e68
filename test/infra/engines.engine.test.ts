/** `npm run engines`: starts in the background what can be used at once, nothing twice, and ends it. */

import { execFile } from 'node:child_process'
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MongoClient } from 'mongodb'
import { expect, onTestFinished, test } from 'vitest'
import { installedDir } from '../../infra/engines/install.ts'
import { MONGODB } from '../../infra/mongodb/launcher.ts'
import { engineTests } from '../support/engines.ts'
import { temporaryDir } from '../support/temporary-dir.ts'

const engines = engineTests('mongodb')
const CLI = fileURLToPath(new URL('../../dist/infra/engines.js', import.meta.url))

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs it with a cache folder in which mongodb alone is installed. */
async function cli(): Promise<(...args: readonly string[]) => Promise<Ran>> {
  const dir = await temporaryDir()
  const installed = installedDir(MONGODB)
  symlinkSync(installed, join(dir.path, installed.slice(installed.lastIndexOf('/') + 1)))
  const run = (...args: readonly string[]): Promise<Ran> =>
    new Promise((resolve) => {
      const env = { ...process.env, TIDEMARK_ENGINES_DIR: dir.path }
      const child = execFile(process.execPath, [CLI, ...args], { env }, (_error, out, err) =>
        resolve({ code: child.exitCode ?? -1, out, err }),
      )
    })
  onTestFinished(async () => {
    await run('stop')
    await dir[Symbol.asyncDispose]()
  })
  return run
}

engines.describe('npm run engines', () => {
  test('starts what is installed, once, says how to use it, and stops it', async () => {
    const run = await cli()
    const started = await run('start')
    expect(started.code).toBe(0)
    const url = /^export TIDEMARK_MONGODB_URL=(.*)$/m.exec(started.out)?.[1] ?? ''
    expect(started.out).toContain('export TIDEMARK_STORES=mongodb\n')
    await using client = new MongoClient(url, { serverSelectionTimeoutMS: 2000 })
    await client.db().collection('trial').insertOne({ n: 1 })

    const again = await run('start', 'mongodb')
    expect(again.err).toMatch(/mongodb: runs already/)
    expect(again.out).toBe(started.out)
    const status = await run('status')
    expect(status.out).toContain(started.out)
    expect(status.out).toMatch(/kafka: .*, not installed, does not run/)
    const dir = /data and log in (.*)/.exec(started.err)?.[1] ?? ''
    expect(existsSync(dir)).toBe(true)

    expect((await run('stop')).err).toMatch(/mongodb: ended/)
    expect(existsSync(dir)).toBe(false)
    await using late = new MongoClient(url, { serverSelectionTimeoutMS: 500 })
    await expect(late.db().collection('trial').countDocuments()).rejects.toThrow()
    expect((await run('stop', 'mongodb')).err).toMatch(/mongodb: does not run/)
  })

  test('says what to do about an engine that is not installed, and what names it knows', async () => {
    const run = await cli()
    const missing = await run('start', 'kafka')
    expect(missing).toMatchObject({ code: 1, out: '' })
    expect(missing.err).toContain("run 'npm run engines -- install kafka'")
    const unknown = await run('start', 'redis')
    expect(unknown.code).toBe(2)
    expect(unknown.err).toMatch(/kafka, mongodb, influxdb, registry/)
    expect((await run('--help')).out).toMatch(/install .*start .*stop .*status/s)
  })
})
