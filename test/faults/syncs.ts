/** A sync or write that fails once and then succeeds, on each file in turn: what was not synced is never acknowledged. */

import { join } from 'node:path'
import type { Rig } from './rig.ts'
import { type Plan, type Scenario, skipped, withRig } from './scenario.ts'
import { type Strace, strace } from './tools.ts'
import { becomes, pause } from './up.ts'

/** What LMDB makes of a commit: pages (`writev`, or `pwrite64` of a single one), `fdatasync`, then the meta page by `pwrite64` through O_DSYNC. */
interface Target {
  readonly file: string
  readonly faults: readonly (readonly [call: string, nths: readonly [number, ...number[]]])[]
}

const TARGETS: Readonly<Record<string, Target>> = {
  journal: {
    file: 'gateways/local/journal.mdb',
    faults: [
      ['fdatasync', [2, 3, 5, 9, 23, 60]],
      ['pwrite64', [3, 4, 6, 11, 30]],
      ['writev', [1, 4, 20]],
    ],
  },
  log: {
    file: 'log.mdb',
    faults: [
      ['fdatasync', [9, 40]],
      ['pwrite64', [12, 60]],
      ['writev', [20]],
    ],
  },
  store: {
    file: 'stores/embedded.mdb',
    faults: [
      ['fdatasync', [3, 10]],
      ['pwrite64', [4, 12]],
      ['writev', [5]],
    ],
  },
  ledger: {
    file: 'ledger.mdb',
    faults: [
      ['fdatasync', [3, 10]],
      ['pwrite64', [4, 12]],
      ['writev', [5]],
    ],
  },
}

export const SYNC_ERRORS: readonly Scenario[] = Object.entries(TARGETS).map(([name, target]) => ({
  name: `eio-${name}`,
  promise: `after a write or sync of the ${name} failed once, the process acknowledges nothing it did not keep, and ends or goes on`,
  run: (plan: Plan) => {
    const tool = strace()
    if (!tool.ok) return Promise.resolve(skipped(tool.why))
    return withRig({ seed: `${plan.seed}/eio-${name}`, load: { timeoutMs: 4000 } }, async (rig) => {
      await rig.start()
      rig.load.start()
      await rig.progress(100)
      for (const [call, nths] of target.faults) {
        for (const nth of plan.short ? nths.slice(-1) : nths) await failOnce(rig, tool.tool, target.file, call, nth)
        if (plan.short) break
      }
      await rig.judge()
    })
  },
}))

/** The process that met the error, from its start to its end. */
async function failOnce(rig: Rig, tool: Strace, file: string, call: string, nth: number): Promise<void> {
  await rig.end('SIGTERM')
  const log = join(rig.folder, `strace-${call}-${nth}.log`)
  const path = join(rig.dataDir, file)
  const up = rig.launch(tool.wrap({ calls: call, error: 'EIO', nth, path }, log))
  const happened = await becomes(25_000, () => !up.lives || tool.injected(log).length > 0)
  const [first] = tool.injected(log)
  if (!happened || first === undefined) {
    rig.fail(`${call} number ${nth} of ${file} never came: ${up.said.slice(-500)}`)
  } else {
    rig.fault(`EIO from ${call} of ${file}`)
    // Longer than any acknowledgement under way takes.
    await pause(1000)
    if (file.startsWith('gateways/')) checkSilence(rig, first.atMs, `${call} ${nth}`)
    if (!(await endsOrGoesOn(rig))) {
      rig.fail(`after EIO from ${call} number ${nth} of ${file} it neither ended nor went on: ${up.said.slice(-1500)}`)
    }
  }
  if (up.lives) await up.end('SIGKILL')
  await rig.start()
  await rig.progress(50)
}

/** No request that was sent after the failed sync was answered with success by the gateway whose journal it was. */
function checkSilence(rig: Rig, failedMs: number, what: string): void {
  const late = rig.load.answers.filter(({ gateway, sentMs }) => gateway === 'local' && sentMs > failedMs + 5)
  if (late.length === 0) return
  const afterMs = Math.round((late[0]?.sentMs ?? 0) - failedMs)
  rig.fail(`${late.length} requests were acknowledged after ${what} had failed, the first sent ${afterMs} ms later`)
}

/** It ends with a reason and a code, or everything it holds becomes complete. */
async function endsOrGoesOn(rig: Rig): Promise<boolean> {
  if (await becomes(5000, () => !rig.up.lives)) {
    const { code } = await rig.up.ended
    if (code === 0 || rig.up.said.trim() === '') rig.fail(`it ended with ${code} after a failed sync and said nothing`)
    return true
  }
  await rig.load.stop()
  const { code } = await rig.command('proof', '--wait', '20s')
  rig.load.start()
  rig.fault('goes on after EIO')
  return code === 0
}

export const FOLDER_SYNC_ERRORS: Scenario = {
  name: 'eio-folders',
  promise: 'a folder that can not be synced at start ends the start with a reason, and the next start succeeds',
  run: (plan) => {
    const tool = strace()
    if (!tool.ok) return Promise.resolve(skipped(tool.why))
    return withRig({ seed: `${plan.seed}/eio-folders` }, async (rig) => {
      await rig.start()
      rig.load.start()
      await rig.progress(100)
      for (const nth of plan.short ? [1] : [1, 2, 5, 8]) {
        await rig.end('SIGTERM')
        const log = join(rig.folder, `strace-fsync-${nth}.log`)
        const up = rig.launch(tool.tool.wrap({ calls: 'fsync,msync', error: 'EIO', nth }, log))
        const url = await up.ready
        const injected = tool.tool.injected(log)
        for (const { call } of injected) rig.fault(`EIO from ${call}`)
        if (injected.length > 0 && url !== undefined) rig.fail(`it started although fsync ${nth} had failed`)
        if (url === undefined && up.said.trim() === '') rig.fail('it ended at start and said nothing')
        if (up.lives) await up.end('SIGKILL')
        await rig.start()
        await rig.progress(50)
      }
      await rig.judge()
    })
  },
}
