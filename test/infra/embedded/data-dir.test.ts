/** The lock of a data directory: one living process holds it, whatever dead ones left. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lockDataDir, runningProcess } from '../../../infra/embedded/data-dir.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const address = { port: 8080, token: 'secret' }

describe('a data directory', () => {
  test('is made where missing, and tells whom to ask once its process has said so', async () => {
    await using dir = await temporaryDir()
    const data = join(dir.path, 'not', 'there')
    expect(await runningProcess(data)).toBeUndefined()
    const lock = await lockDataDir(data)
    expect(await runningProcess(data)).toBeUndefined()
    await lock.publish(address)
    expect(await runningProcess(data)).toEqual({ pid: process.pid, ...address })
  })

  test('keeps its token from other users', async () => {
    await using dir = await temporaryDir()
    const lock = await lockDataDir(dir.path, address)
    expect((await stat(lockFile(dir.path))).mode & 0o777).toBe(0o600)
    await lock.publish(address)
    expect((await stat(lockFile(dir.path))).mode & 0o777).toBe(0o600)
    expect(await readdir(dir.path)).toEqual(['tidemark.json'])
  })

  test('is refused while it is held, with the pid of who holds it', async () => {
    await using dir = await temporaryDir()
    const lock = await lockDataDir(dir.path, address)
    await expect(lockDataDir(dir.path)).rejects.toMatchObject({
      code: 'data-locked',
      message: expect.stringContaining(`process ${process.pid} holds ${dir.path}`),
    })
    await lock.release()
    await lock.release()
    expect(await runningProcess(dir.path)).toBeUndefined()
    await (await lockDataDir(dir.path)).release()
    expect(await readdir(dir.path)).toEqual([])
  })

  test('a release that comes late takes nothing from the next holder', async () => {
    await using dir = await temporaryDir()
    const first = await lockDataDir(dir.path)
    await first.release()
    await lockDataDir(dir.path, address)
    await first.release()
    expect(await runningProcess(dir.path)).toEqual({ pid: process.pid, ...address })
  })

  test('that can’t be made is said to be unusable', async () => {
    await using dir = await temporaryDir()
    const file = join(dir.path, 'a file')
    await writeFile(file, '')
    await expect(lockDataDir(join(file, 'data'))).rejects.toMatchObject({ code: 'data-unusable' })
  })
})

describe('what a process left', () => {
  test('holds while that process lives, and no longer', async () => {
    await using dir = await temporaryDir()
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'])
    await leave(dir.path, { pid: other.pid, born: '' })
    await expect(lockDataDir(dir.path)).rejects.toMatchObject({ code: 'data-locked', facts: { pid: other.pid } })
    expect(await runningProcess(dir.path)).toEqual({ pid: other.pid, ...address })
    await killed(other)
    expect(await runningProcess(dir.path)).toBeUndefined()
    await lockDataDir(dir.path)
    expect(await readdir(dir.path)).toEqual(['tidemark.json'])
  })

  test.runIf(process.platform === 'linux')('does not hold when its pid is another process’s now', async () => {
    await using dir = await temporaryDir()
    await leave(dir.path, { pid: process.pid, born: 'another boot 1' })
    expect(await runningProcess(dir.path)).toBeUndefined()
    await lockDataDir(dir.path)
    await expect(lockDataDir(dir.path)).rejects.toMatchObject({ code: 'data-locked' })
  })

  test.each(['', '{"pid":', 'null', '{}'])('holds nothing when it is not readable: %j', async (content) => {
    await using dir = await temporaryDir()
    await writeFile(lockFile(dir.path), content)
    await lockDataDir(dir.path)
    await expect(lockDataDir(dir.path)).rejects.toMatchObject({ code: 'data-locked' })
  })

  test('goes to one of several that find it at once', async () => {
    for (let round = 0; round < 40; round++) {
      await using dir = await temporaryDir()
      await leave(dir.path, { pid: await deadPid(), born: '' })
      const tries = await Promise.allSettled(Array.from({ length: 24 }, (_, i) => lockLater(dir.path, i)))
      expect(tries.filter(({ status }) => status === 'fulfilled').length).toBe(1)
      for (const { status, ...rest } of tries) {
        if (status === 'rejected') expect(rest).toMatchObject({ reason: { code: 'data-locked' } })
      }
    }
  })

  test('does not stop the next when it died in the middle of taking over from another dead one', async () => {
    await using dir = await temporaryDir()
    const pid = await deadPid()
    await leave(dir.path, { pid, born: '', id: 'first' })
    await leave(dir.path, { pid, born: '', id: 'second' }, '.after-first')
    await lockDataDir(dir.path, address)
    expect(await runningProcess(dir.path)).toEqual({ pid: process.pid, ...address })
    expect(await readdir(dir.path)).toEqual(['tidemark.json'])
  })
})

/** Later ones find the earlier ones in the middle of it. */
async function lockLater(dir: string, reads: number): Promise<unknown> {
  for (let i = 0; i < reads; i++) await readdir(dir)
  return lockDataDir(dir)
}

function lockFile(dir: string): string {
  return join(dir, 'tidemark.json')
}

async function leave(dir: string, claim: object, suffix = ''): Promise<void> {
  await mkdir(dir, { recursive: true })
  const whole = { id: 'left', startedAt: '2026-01-01T00:00:00.000Z', ...address, ...claim }
  await writeFile(`${lockFile(dir)}${suffix}`, JSON.stringify(whole))
}

async function killed(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

let dead: number | undefined

async function deadPid(): Promise<number> {
  if (dead !== undefined) return dead
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  dead = child.pid ?? 0
  return dead
}
