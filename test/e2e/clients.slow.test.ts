/** Programs that know nothing of tidemark write to its door, as the README shows them. */

import { execFile } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { installedDir } from '../../infra/engines/install.ts'
import { TELEGRAF } from '../../infra/engines/telegraf.ts'
import { describeWhereInstalled } from '../support/engines.ts'
import { readmeExample } from '../support/readme-example.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { exportedReadings, proofNow, startUp } from '../support/up-process.ts'

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))
const DOOR = 'http://127.0.0.1:8080'
const run = promisify(execFile)

/** The example in a folder of its own, with the address of this door; what landed of it. */
async function written(example: string, start: (dir: string, file: string) => Promise<unknown>) {
  await using dir = await temporaryDir()
  const data = join(dir.path, 'data')
  const up = await startUp(data, ['--no-demo'])
  const file = join(dir.path, example)
  await writeFile(file, readmeExample(example).replaceAll(DOOR, up.url))
  await symlink(MODULES, join(dir.path, 'node_modules'))
  await start(dir.path, file)
  expect(await proofNow(data, '--wait', '30s')).toMatchObject({ code: 0 })
  return await exportedReadings(data, 'embedded', {})
}

describe('readings come from', () => {
  test('curl', async () => {
    const landed = await written('curl.sh', (cwd, file) => run('bash', ['-e', file], { cwd }))
    const time = '2026-03-01T12:00:00.000Z'
    expect(landed).toEqual([
      { type: 'soil_moisture', sensor: 'bed-3', time, values: { moisture: 0.31 }, labels: {} },
      { type: 'weather', sensor: 'station=kew', time, values: { temp_max: 12.5 }, labels: { station: 'kew' } },
    ])
  })

  test("InfluxDB's own client", async () => {
    const landed = await written('write.mjs', (cwd, file) => run(process.execPath, [file], { cwd }))
    const time = '2026-03-01T12:00:01.000Z'
    expect(landed).toEqual([
      { type: 'weather', sensor: 'station=kew', time, values: { temp_max: 13.5 }, labels: { station: 'kew' } },
    ])
  })
})

describeWhereInstalled([TELEGRAF], 'readings come from', () => {
  test('Telegraf', async () => {
    const program = join(installedDir(TELEGRAF), 'telegraf')
    const landed = await written('telegraf.conf', (cwd, file) => run(program, ['--once', '--config', file], { cwd }))
    expect(landed).toHaveLength(1)
    expect(landed[0]).toMatchObject({ type: 'mem', labels: { host: expect.any(String) } })
    expect(landed[0]?.values).toMatchObject({ total: expect.anything(), used_percent: expect.any(Number) })
  })
})
