/** No room left: a small disk that fills up, and a limit on the size of files. Refusals instead of lies, and going on once there is room. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Rig } from './rig.ts'
import { type Scenario, skipped, withRig } from './scenario.ts'
import { fileLimit, smallDisk } from './tools.ts'
import { becomes, pause, type Wrap } from './up.ts'

const DISK_BYTES = 24_000_000
const BALLAST_BYTES = 14_000_000
const LOAD = { readingsMax: 200, restMs: 5, untimed: false }

export const FULL_DISK: Scenario = {
  name: 'disk-full',
  promise: 'a full disk is answered with refusals, loses nothing that was taken, and is over when there is room',
  run: async ({ seed, short }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-small-disk-'))
    const disk = smallDisk(folder, DISK_BYTES)
    if (!disk.ok) return skipped(disk.why)
    try {
      using _ = disk.tool
      return await withRig({ seed: `${seed}/disk-full`, dataDir: join(folder, 'data'), load: LOAD }, async (rig) => {
        await rig.start()
        const ballast = join(folder, 'ballast')
        for (let i = 0; i < (short ? 1 : 2); i++) {
          writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES / (i + 1)))
          await untilRefused(rig, 'full disk')
          rmSync(ballast)
          await goesOn(rig)
        }
        await rig.judge()
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

export const FILE_LIMIT: Scenario = {
  name: 'file-limit',
  promise: 'a file that may not grow any more is answered with refusals and loses nothing that was taken',
  run: ({ seed }) => {
    const limit = fileLimit(3_000_000)
    if (!limit.ok) return Promise.resolve(skipped(limit.why))
    return withRig({ seed: `${seed}/file-limit`, load: LOAD }, async (rig) => {
      await rig.start(limit.tool)
      await untilRefused(rig, 'file limit', limit.tool)
      if (rig.up.lives) await rig.end('SIGKILL')
      await goesOn(rig)
      await rig.judge()
    })
  },
}

/** Sends until nothing is taken any more. A process that ends is started again, as a supervisor would. */
async function untilRefused(rig: Rig, what: string, wrap?: Wrap): Promise<void> {
  rig.load.start()
  let [ends, quietSince, ok] = [0, performance.now(), rig.load.counts.ok]
  const refusing = await becomes(60_000, async () => {
    if (rig.load.counts.ok !== ok) {
      ok = rig.load.counts.ok
      quietSince = performance.now()
    }
    if (!rig.up.lives && ends < 5) {
      ends += 1
      const { code, signal } = await rig.up.ended
      rig.fault(`${what}: ended with ${signal ?? code}`)
      if (code === 0 || (code !== null && rig.up.said.trim() === '')) {
        rig.fail(`it ended with ${code} for want of room and said: ${rig.up.said}`)
      }
      await pause(200)
      await rig.launch(wrap).ready
    }
    return performance.now() - quietSince > 3000 && (ends > 0 || rig.load.counts.noRoom > 0)
  })
  if (!refusing) rig.fail(`${what}: the room was never used up, ${rig.load.counts.ok} readings were taken`)
  rig.fault(what)
}

/** With room again: by itself, or at the latest by a restart. */
async function goesOn(rig: Rig): Promise<void> {
  const from = rig.load.counts.ok
  if (rig.up.lives && (await becomes(8000, () => rig.load.counts.ok > from))) {
    rig.fault('goes on by itself')
    return
  }
  if (rig.up.lives) await rig.end('SIGKILL')
  await rig.start()
  rig.fault('goes on after a restart')
  await rig.progress(500)
}
