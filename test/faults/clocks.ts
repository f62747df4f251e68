/** Wall clocks that jump while the process runs and between its lives: they label readings, and lose nothing. */

import { join } from 'node:path'
import { type Result, type Scenario, skipped, withRig } from './scenario.ts'
import { fakeClock, fakeClockLibrary } from './tools.ts'
import { pause } from './up.ts'

const JUMPS = ['+3d', '+0', '-3d', '-3d2h', '+300d', '+1h', '@1970-01-01 00:00:10', '+0'] as const
/** Beyond IDENTITY_KEEP: the journal forgets what it has accepted. */
const FAR_JUMPS = ['+3650d', '+0'] as const

export const CLOCKS: Scenario = {
  name: 'clock',
  promise: 'wall clocks that jump by months, back to 1970 too, running or across a restart, lose and double nothing',
  run: ({ seed, short }) => jumping(`${seed}/clock`, short ? JUMPS.slice(0, 3) : JUMPS),
}

export const FAR_CLOCKS: Scenario = {
  name: 'far-clock',
  promise: 'a wall clock that jumps ahead by more than IDENTITY_KEEP, and back, loses and doubles nothing',
  byHand:
    'readings sent again afterwards are accepted a second time; those that were moved to a free nanosecond double',
  run: ({ seed }) => jumping(`${seed}/far-clock`, FAR_JUMPS),
}

async function jumping(seed: string, jumps: readonly string[]): Promise<Result> {
  const library = fakeClockLibrary()
  if (!library.ok) return skipped(library.why)
  return withRig({ seed, load: { untimed: false } }, async (rig) => {
    const clock = fakeClock(library.tool, join(rig.folder, 'clock'))
    await rig.start(clock.wrap)
    for (const [i, jump] of jumps.entries()) {
      rig.load.start()
      await rig.progress(200)
      const restart = rig.chance.next() < 0.5
      await rig.command('link', 'cut', 'local')
      clock.set(jump)
      rig.fault(`clock ${jump}${restart ? ' over a restart' : ''}`)
      await pause(300)
      if (restart) {
        await rig.end(i % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
        await rig.start(clock.wrap)
      }
      await rig.progress(200)
      await rig.judge(clock.wrap)
    }
  })
}
