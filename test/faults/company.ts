/** Not alone: a second process on the data directory, several clients that speak of the same readings, a replay under load. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { valuesText } from '../checker/export-lines.ts'
import { UNIQUE_FIELD } from './requests.ts'
import type { Rig } from './rig.ts'
import { type Scenario, withRig } from './scenario.ts'
import { pause, tidemark, Up } from './up.ts'

export const TWO_PROCESSES: Scenario = {
  name: 'two-processes',
  promise:
    'a data directory belongs to one process: a second one ends at once, whoever comes first after a crash goes on',
  run: ({ seed, short }) =>
    withRig({ seed: `${seed}/two-processes` }, async (rig) => {
      await rig.start()
      rig.load.start()
      for (let i = 0; i < (short ? 1 : 4); i++) {
        await rig.progress(100)
        const second = new Up(rig.dataDir, {})
        const { code } = await second.ended
        rig.fault('second process')
        if (code === 0 || !second.said.includes('holds')) {
          rig.fail(`the second process ended with ${code}: ${second.said.slice(-1000)}`)
        }
        await rig.progress(100)
        await rig.end('SIGKILL')
        await startTwo(rig)
      }
      await rig.judge()
    }),
}

/** Of two that start at once on what a dead one left, one lives. */
async function startTwo(rig: Rig): Promise<void> {
  const first = rig.launch()
  const second = rig.launch()
  const urls = await Promise.all([first.ready, second.ready])
  rig.fault('two starts at once')
  const living = [first, second].filter((each) => each.lives)
  if (living.length !== 1) rig.fail(`of two processes started at once ${living.length} live: ${urls.join(', ')}`)
  for (const each of living) await each.end('SIGKILL')
  await rig.start()
}

export const TWO_LOADS: Scenario = {
  name: 'two-loads',
  promise: 'readings that come through several doors at once, from several processes, land once',
  run: ({ seed, short }) =>
    withRig({ seed: `${seed}/two-loads` }, async (rig) => {
      await rig.start()
      const other = rig.addLoad({ client: 'b' })
      rig.load.start()
      other.start()
      const rounds = short ? 1 : 3
      for (let i = 0; i < rounds; i++) {
        const [x, y] = await Promise.all([
          importOnce(rig, i),
          importOnce(rig, i),
          pause(300).then(() => killInside(rig)),
        ])
        if (!x || !y) await importOnce(rig, i)
      }
      await rig.judge()
    }),
}

const IMPORTED = 3000

/** The same file by two processes at once, and once more where one of them was cut short. */
async function importOnce(rig: Rig, round: number): Promise<boolean> {
  const file = join(rig.folder, `import-${round}.ndjson`)
  const readings = Array.from({ length: IMPORTED }, (_, i) => ({
    type: 'temperature',
    sensor: `imported-${i % 4}`,
    time: new Date(Date.UTC(2026, 8, 1) + (round * IMPORTED + i) * 1000).toISOString(),
    values: { [UNIQUE_FIELD]: -(round * IMPORTED + i + 1) },
  }))
  writeFileSync(file, readings.map((each) => JSON.stringify(each)).join('\n'))
  const { code } = await tidemark(rig.dataDir, ['import', file])
  rig.fault('import')
  for (const { type, sensor, time, values } of readings) {
    rig.load.offered.push({
      unique: String(values[UNIQUE_FIELD]),
      gateway: 'local',
      type,
      sensor,
      time: BigInt(Date.parse(time)) * 1_000_000n,
      values: valuesText(values),
      outcome: code === 0 ? 'ok' : 'unknown',
      at: performance.now(),
    })
  }
  return code === 0
}

async function killInside(rig: Rig): Promise<void> {
  await rig.end('SIGKILL')
  rig.fault('SIGKILL')
  await rig.start()
}

export const REPLAYS: Scenario = {
  name: 'replay',
  promise: 'reading the topics again from their beginning, under load and killed inside, leaves the store as it was',
  run: ({ seed, short }) =>
    withRig({ seed: `${seed}/replay` }, async (rig) => {
      await rig.start()
      rig.load.start()
      for (let i = 0; i < (short ? 1 : 5); i++) {
        await rig.progress(1500)
        const { code, err } = await rig.command('replay', '--store', 'embedded', '--to', 'earliest')
        rig.fault('replay')
        if (code !== 0) rig.fail(`replay ended with ${code}: ${err}`)
        if (i % 2 === 1) await killInside(rig)
      }
      await rig.judge()
    }),
}
