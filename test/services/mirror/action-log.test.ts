/** What a mirror does is told in a bucket where there is one; where there is none, or it fails, that costs nothing. */

import { pino } from 'pino'
import { expect, test } from 'vitest'
import { ActionLog } from '../../../services/mirror/action-log.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryMirrorEnd } from '../../support/memory-mirror-end.ts'
import { away } from '../../support/mirroring.ts'

function logged() {
  const end = new MemoryMirrorEnd('target')
  const signal = new AbortController().signal
  const log = new ActionLog({ end, bucket: 'Logging', clock: manualClock(), logger: pino({ level: 'silent' }), signal })
  return { end, log }
}

const AWAY = { kind: 'end-away', end: 'source', reason: 'say "no"' } as const

test('each action is a point of its own, with its message', async () => {
  const { end, log } = logged()
  end.put('Logging', [])
  log.tell(AWAY)
  log.tell({ kind: 'bucket', bucket: 'dome', state: 'equal', reason: '' })
  await log.settled()
  expect(end.content('Logging')).toEqual([
    expect.stringMatching(/^Logs,kind=bucket bucket="dome" \d+$/),
    expect.stringMatching(/^Logs,kind=bucket message="equal" \d+$/),
    expect.stringMatching(/^Logs,kind=end-away message="the source is away: say \\"no\\"" \d+$/),
  ])
})

test('without the bucket nothing is written; while it is away, what was told waits, but not without end', async () => {
  const { end, log } = logged()
  log.tell(AWAY)
  await log.settled()
  expect(end.content('Logging')).toEqual([])
  end.put('Logging', [])
  end.fault = away
  for (let i = 0; i < 300; i++) {
    log.tell(AWAY)
    await log.settled()
  }
  end.fault = () => undefined
  log.tell(AWAY)
  await log.settled()
  expect(end.content('Logging')).toHaveLength(100)
})
