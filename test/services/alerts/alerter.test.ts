/** The loop around the episodes: restarts, channels that fail, a disk that is full, an orderly end. */

import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Alerter, type AlertSource } from '../../../services/alerts/alerter.ts'
import type { Sighting } from '../../../services/alerts/episodes.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import type { AlertChannel } from '../../../services/ports/alert-channel.ts'
import { type Episodes, NO_EPISODES } from '../../../services/ports/episode-store.ts'
import { manualClock, seededRandom, settle } from '../../support/manual-clock.ts'

const SETTINGS = {
  ...{ alertName: 'farm', alertEveryMs: 5_000, alertClearAfterMs: 60_000, alertsOff: [] },
  ...{ alertStoreAwayAfterMs: 60_000, alertSilentAfterMs: 300_000, alertLinkDownAfterMs: 900_000 },
  ...{ alertGapOpenAfterMs: 900_000, alertMirrorLagAfterMs: 0, alertRecordingsAfterMs: 120_000 },
}

/** A process whose store is away while `away` says so, told by the channels that are named. */
function alerting(...names: readonly string[]) {
  const clock = manualClock()
  const state = {
    away: new Set<string>(),
    saved: NO_EPISODES as Episodes,
    diskIsFull: false,
    failing: new Map<string, () => unknown>(),
    /** Sends that never come back by themselves. */
    hanging: new Set<string>(),
    sent: [] as string[],
    tries: 0,
    sources: undefined as readonly AlertSource[] | undefined,
  }
  const channelOf = (name: string): AlertChannel => ({
    name,
    target: 'far',
    episodesMax: 10,
    send: async ({ event, episodes, installation }, signal) => {
      state.tries += 1
      const failure = state.failing.get(name)?.()
      if (failure !== undefined) throw failure
      if (state.hanging.has(name)) {
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
      }
      state.sent.push(`${name} ${installation} ${event} ${episodes.map(({ subject }) => subject).join()}`)
    },
  })
  const look: AlertSource['look'] = async () => [
    {
      rule: 'store-away',
      conditions: [...state.away].map((subject) => ({ subject, summary: `gone at ${clock.wallMs()}` })),
    } as Sighting,
  ]
  const lines: string[] = []
  const start = (more: Partial<typeof SETTINGS> = {}) => {
    const end = new AbortController()
    const alerter = new Alerter({
      store: {
        load: async () => {
          if (state.diskIsFull) throw new Error('EACCES')
          return state.saved
        },
        save: async (episodes) => {
          if (state.diskIsFull) throw new Error('ENOSPC')
          state.saved = JSON.parse(JSON.stringify(episodes)) as Episodes
        },
      },
      channels: names.map(channelOf),
      sources: state.sources ?? [{ rules: ['store-away'], look }],
      settings: { ...SETTINGS, ...more },
      clock,
      random: seededRandom(1),
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    })
    const running = alerter.run(end.signal)
    return {
      alerter,
      stop: async () => {
        end.abort(new TidemarkError('closed', 'the process ends'))
        await running
      },
      /** As SIGKILL would: nothing more of it is heard or kept. */
      kill: async () => {
        const { saved } = state
        end.abort(new TidemarkError('closed', 'the process ends'))
        await running
        state.saved = saved
      },
    }
  }
  return { clock, state, lines, start }
}

test('one message when it opens and one when it ends, through restarts and flapping', async () => {
  const it = alerting('a', 'b')
  let process = it.start()
  it.state.away.add('m')
  await it.clock.advance(40_000)
  await process.stop()
  process = it.start()
  await it.clock.advance(30_000)
  await process.kill()
  process = it.start()
  for (let i = 0; i < 8; i++) {
    it.state.away.clear()
    await it.clock.advance(30_000)
    it.state.away.add('m')
    await it.clock.advance(10_000)
    if (i % 3 === 0) {
      await process.kill()
      process = it.start()
    }
  }
  expect(it.state.sent.toSorted()).toEqual(['a farm opened m', 'b farm opened m'])
  it.state.away.clear()
  await it.clock.advance(70_000)
  await process.kill()
  process = it.start()
  await it.clock.advance(120_000)
  await process.stop()
  expect(it.state.sent.toSorted()).toEqual(['a farm ended m', 'a farm opened m', 'b farm ended m', 'b farm opened m'])
})

test('who is killed when a message has just gone out does not send it again', async () => {
  const it = alerting('c')
  const process = it.start()
  it.state.away.add('m')
  await it.clock.until('it is told', () => it.state.sent.length > 0)
  await process.kill()
  const next = it.start()
  await it.clock.advance(60_000)
  expect(it.state.sent).toEqual(['c farm opened m'])
  await next.stop()
})

test('a channel that fails is tried again until it takes both in their order, and holds up no other', async () => {
  const it = alerting('down', 'up')
  it.state.failing.set('down', () => new TidemarkError('alert-unavailable', 'far: 503'))
  const process = it.start()
  it.state.away.add('m')
  await it.clock.advance(70_000)
  it.state.away.clear()
  await it.clock.advance(600_000)
  expect(it.state.sent).toEqual(['up farm opened m', 'up farm ended m'])
  it.state.failing.clear()
  await it.clock.advance(120_000)
  expect(it.state.sent.slice(2)).toEqual(['down farm opened m', 'down farm ended m'])
  expect(it.lines.filter((line) => line.includes('a channel does not take alerts'))).toHaveLength(1)
  expect(process.alerter.counts.messages.down).toMatchObject({ sent: 2, givenUp: 0 })
  expect(process.alerter.counts.messages.down?.failed).toBeGreaterThan(5)
  await process.stop()
})

test('what is set wrong is tried slowly, and what asks to wait is waited for', async () => {
  const it = alerting('c')
  const process = it.start()
  it.state.failing.set('c', () => new TidemarkError('alert-refused', 'far: 401'))
  it.state.away.add('m')
  await it.clock.advance(70_000)
  await it.clock.advance(600_000)
  expect(it.state.tries).toBe(3)
  it.state.failing.set('c', () => new TidemarkError('alert-unavailable', 'far: 429', { retryAfterMs: 1_200_000 }))
  await it.clock.advance(1_300_000)
  expect(it.state.tries).toBe(4)
  await process.stop()
})

test('a message that nobody took for a day is given up, said and counted', async () => {
  const it = alerting('c')
  const process = it.start()
  it.state.failing.set('c', () => new TidemarkError('alert-unavailable', 'far'))
  it.state.away.add('m')
  await it.clock.advance(70_000)
  it.state.away.clear()
  await it.clock.advance(90_000_000)
  expect(process.alerter.episodes).toEqual([])
  expect(process.alerter.counts.messages.c?.givenUp).toBe(1)
  expect(it.lines.some((line) => line.includes('were given up after a day'))).toBe(true)
  await process.stop()
})

test('a channel that hangs does not hold up the end of the process; its message goes out after the next start', async () => {
  const it = alerting('c')
  const process = it.start()
  it.state.hanging.add('c')
  it.state.away.add('m')
  await it.clock.advance(70_000)
  await process.stop()
  expect(it.state.sent).toEqual([])
  it.state.hanging.clear()
  const next = it.start()
  await it.clock.advance(10_000)
  expect(it.state.sent).toEqual(['c farm opened m'])
  await next.stop()
})

test('without a disk alerts go on in memory, and it is said once', async () => {
  const it = alerting('c')
  it.state.diskIsFull = true
  const process = it.start()
  it.state.away.add('m')
  await it.clock.advance(200_000)
  it.state.away.clear()
  await it.clock.advance(200_000)
  expect(it.state.sent).toEqual(['c farm opened m', 'c farm ended m'])
  expect(it.lines.filter((line) => line.includes('alerts can not be kept'))).toHaveLength(1)
  it.state.diskIsFull = false
  it.state.away.add('m')
  await it.clock.advance(200_000)
  expect(it.state.saved.episodes.filter(({ endedMs }) => endedMs === null)).toHaveLength(1)
  await process.stop()
})

test('a source that fails leaves its episodes, and the other sources go on', async () => {
  const it = alerting('c')
  let fails = false
  it.state.sources = [
    {
      rules: ['link-down'],
      look: async () => {
        if (fails) throw new Error('away')
        return [{ rule: 'link-down', conditions: [{ subject: 'g', summary: 's', sinceMs: 0 }] }]
      },
    },
    {
      rules: ['store-away'],
      look: async () => [{ rule: 'store-away', conditions: fails ? [{ subject: 'm', summary: 's', sinceMs: 0 }] : [] }],
    },
  ]
  const process = it.start()
  await it.clock.advance(10_000)
  fails = true
  await it.clock.advance(600_000)
  expect(it.state.sent).toEqual(['c farm opened g', 'c farm opened m'])
  expect(process.alerter.counts.open).toMatchObject({ 'link-down': 1, 'store-away': 1, conflict: 0 })
  await process.stop()
})

test('two sources of one rule are seen together; what one of them can not tell is not over', async () => {
  const it = alerting('c')
  const says = { a: true, b: true, bFails: false, bHangs: false }
  const hung = new AbortController()
  const one = (name: 'a' | 'b'): Sighting => ({
    rule: 'store-away',
    conditions: says[name] ? [{ subject: name, summary: 's', sinceMs: 0 }] : [],
  })
  it.state.sources = [
    { rules: ['store-away'], look: async () => [one('a')] },
    {
      rules: ['store-away'],
      look: async (signal) => {
        if (says.bFails) throw new Error('away')
        const end = AbortSignal.any([signal, hung.signal])
        if (says.bHangs) await new Promise((resolve) => end.addEventListener('abort', resolve, { once: true }))
        return [one('b')]
      },
    },
  ]
  const process = it.start()
  await it.clock.advance(10_000)
  expect(it.state.sent.toSorted()).toEqual(['c farm opened a', 'c farm opened b'])
  Object.assign(says, { a: false, bFails: true })
  await it.clock.advance(600_000)
  expect(it.state.sent).toHaveLength(2)
  Object.assign(says, { bFails: false, bHangs: true })
  await it.clock.advance(600_000)
  expect(it.state.sent).toHaveLength(2)
  Object.assign(says, { bHangs: false })
  hung.abort()
  await it.clock.advance(600_000)
  expect(it.state.sent.slice(2)).toEqual(['c farm ended a'])
  await process.stop()
})

test('what a slow source finds counts when it has found it', async () => {
  const it = alerting('c')
  const look = async (): Promise<readonly Sighting[]> => {
    await it.clock.sleep(25_000, new AbortController().signal)
    return [{ rule: 'store-away', conditions: [{ subject: 'm', summary: 's', sinceMs: 0 }] }]
  }
  it.state.sources = [{ rules: ['store-away'], look }]
  const process = it.start()
  await it.clock.advance(50_000)
  expect(it.state.sent).toEqual(['c farm opened m'])
  await process.stop()
})

test('a source that hangs holds up no other', async () => {
  const it = alerting('c')
  it.state.sources = [
    { rules: ['link-down'], look: () => new Promise(() => undefined) },
    {
      rules: ['store-away'],
      look: async () => [{ rule: 'store-away', conditions: [{ subject: 'm', summary: 's', sinceMs: 0 }] }],
    },
  ]
  const process = it.start()
  await it.clock.advance(20_000)
  expect(it.state.sent).toEqual(['c farm opened m'])
  await process.stop()
})

test('what goes on of a rule that nobody looks at any more is over', async () => {
  const it = alerting('c')
  it.state.away.add('m')
  const process = it.start()
  await it.clock.advance(70_000)
  await process.stop()
  it.state.sources = [{ rules: ['link-down'], look: async () => [] }]
  const next = it.start()
  await it.clock.advance(10_000)
  expect(it.state.sent).toEqual(['c farm opened m', 'c farm ended m'])
  await next.stop()
})

test('a rule that is off is nobody told of, and what was open of it is over', async () => {
  const it = alerting('c')
  const process = it.start({ alertsOff: ['store-away'] as never[] })
  it.state.away.add('m')
  await it.clock.advance(600_000)
  expect(it.state.sent).toEqual([])
  await process.stop()
  const on = it.start()
  await it.clock.advance(70_000)
  await on.stop()
  expect(it.state.sent).toEqual(['c farm opened m'])
  const off = it.start({ alertsOff: ['store-away'] as never[] })
  await it.clock.advance(10_000)
  expect(it.state.sent).toEqual(['c farm opened m', 'c farm ended m'])
  await off.stop()
})

test('what goes on is not written again and again', async () => {
  const it = alerting('c')
  const process = it.start()
  it.state.away.add('m')
  await it.clock.advance(120_000)
  const { saved } = it.state
  await it.clock.advance(600_000)
  await settle()
  expect(it.state.saved).toBe(saved)
  await process.stop()
})
