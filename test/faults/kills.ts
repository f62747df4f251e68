/** Ends without warning, ends with a warning, and standing still: SIGKILL, SIGTERM and SIGSTOP under load. */

import { join } from 'node:path'
import type { Rig } from './rig.ts'
import { type Scenario, withRig } from './scenario.ts'
import { becomes, pause, Up, type Wrap, within } from './up.ts'

const JUDGED_EVERY = 25

export const KILLS: Scenario = {
  name: 'kill',
  promise: 'whatever was answered with success survives SIGKILL at any instant, start-up included',
  run: ({ seed, kills }) =>
    withRig({ seed: `${seed}/kill` }, async (rig) => {
      await rig.start()
      rig.load.start()
      for (let i = 1; i <= kills; i++) {
        await killOnce(rig)
        if (i % JUDGED_EVERY === 0) await judgeAndGoOn(rig)
      }
      await rig.judge()
    }),
}

export const FIRST_STARTS: Scenario = {
  name: 'first-start',
  promise: 'SIGKILL inside the very first start leaves a data directory that the next start takes',
  run: ({ seed, kills }) =>
    withRig({ seed: `${seed}/first-start` }, async (rig) => {
      for (let i = 0; i < kills; i++) {
        const dataDir = join(rig.folder, `first-${i}`)
        const first = new Up(dataDir, {})
        await pause(rig.chance.between(150, 700))
        await first.end('SIGKILL')
        rig.fault('SIGKILL while starting')
        const second = new Up(dataDir, {})
        if ((await second.ready) === undefined) rig.fail(`the next start ended: ${second.said.slice(-1000)}`)
        if (second.lives) await second.end('SIGKILL')
      }
      await rig.start()
      rig.load.start()
      await rig.progress(100)
      await rig.judge()
    }),
}

export const KILLS_IN_OUTAGES: Scenario = {
  name: 'kill-cut',
  promise: 'SIGKILL inside an outage, while it begins, and while it is made up for, loses nothing',
  run: ({ seed, kills }) =>
    withRig({ seed: `${seed}/kill-cut` }, async (rig) => {
      await rig.start()
      rig.load.start()
      await rig.progress(100)
      for (let i = 1; i <= kills; i++) {
        await toggleLinks(rig)
        await killOnce(rig)
        if (i % JUDGED_EVERY === 0) await judgeAndGoOn(rig)
      }
      await rig.judge()
    }),
}

export const STOPS: Scenario = {
  name: 'stop',
  promise: 'a process that stood still for longer than every deadline goes on as if nothing had been',
  run: ({ seed, short }) =>
    withRig({ seed: `${seed}/stop`, load: { timeoutMs: 800 } }, async (rig) => {
      await rig.start()
      rig.load.start()
      await rig.progress(500)
      for (let i = 0; i < (short ? 1 : 5); i++) {
        await rig.command('link', 'cut', 'local')
        await pause(rig.chance.between(200, 900))
        await rig.command('link', 'restore', 'local')
        // Into the middle of what is sent again.
        await pause(rig.chance.between(0, 300))
        rig.up.signal('SIGSTOP')
        await pause(rig.chance.between(2500, 4500))
        rig.up.signal('SIGCONT')
        rig.fault('SIGSTOP')
        await rig.progress(200)
      }
      await rig.judge()
    }),
}

export const TERMS: Scenario = {
  name: 'term',
  promise:
    'SIGTERM under load ends the process in 5 s with code 0; a second one, or SIGKILL after it, loses nothing either',
  run: ({ seed, short }) =>
    withRig({ seed: `${seed}/term` }, async (rig) => {
      await rig.start()
      rig.load.start()
      for (let i = 0; i < (short ? 2 : 9); i++) {
        await rig.progress(100)
        await pause(rig.chance.between(0, 400))
        const fromMs = performance.now()
        rig.up.signal('SIGTERM')
        if (i % 3 === 1) {
          await pause(rig.chance.between(0, 60))
          rig.up.signal('SIGTERM')
        }
        if (i % 3 === 2) {
          await pause(rig.chance.between(0, 60))
          rig.up.signal('SIGKILL')
        }
        const { code } = await within(30_000, rig.up.ended, 'up did not end within 30 s of SIGTERM')
        const tookMs = performance.now() - fromMs
        rig.fault(['SIGTERM', 'SIGTERM twice', 'SIGTERM and SIGKILL'][i % 3] ?? '')
        if (tookMs > 5000) rig.fail(`it took ${Math.round(tookMs)} ms to end`)
        if (i % 3 === 0 && code !== 0) rig.fail(`SIGTERM ended with code ${code}: ${rig.up.said.slice(-1000)}`)
        await rig.start()
      }
      await rig.judge()
    }),
}

/** A quarter of them while the process starts. */
export async function killOnce(rig: Rig, wrap?: Wrap): Promise<void> {
  if (rig.chance.next() < 0.25) {
    await rig.end('SIGKILL')
    rig.fault('SIGKILL')
    rig.launch(wrap)
    await pause(rig.chance.between(50, 600))
    await rig.end('SIGKILL')
    rig.fault('SIGKILL while starting')
  } else {
    await pause(rig.chance.between(20, 900))
    await rig.end('SIGKILL')
    rig.fault('SIGKILL')
  }
  await rig.start(wrap)
}

export async function toggleLinks(rig: Rig): Promise<void> {
  for (const gateway of ['local', 'second']) {
    if (rig.chance.next() < 0.5) continue
    const action = rig.chance.next() < 0.5 ? 'cut' : 'restore'
    const { code } = await rig.command('link', action, gateway)
    if (code === 0) rig.fault(`link ${action}`)
  }
}

async function judgeAndGoOn(rig: Rig): Promise<void> {
  await rig.judge()
  rig.load.start()
  await becomes(5000, () => rig.up.lives)
}
