/** Services that are killed, stand still, join and leave, while real files come in and the link is cut. */

import { type ServiceName, STORES } from './cloud.ts'
import type { Run } from './run.ts'
import type { Scenario } from './scenario.ts'
import type { Service } from './service.ts'

/** A member that says nothing for 10 s has left its group; one that was killed says nothing. */
const TAKEN_OVER_MS = 45_000

export const KILL_GATEWAY: Scenario = {
  name: 'kill-gateway',
  promise: 'a gateway killed while its link is cut loses nothing that it took, and knows of the outage',
  run: async (run) => {
    run.asksAgain = true
    await run.outage(run.file('hourly'), async () => {
      await run.service.end('SIGKILL')
      await run.startGateway()
    })
    await Promise.all([run.import(run.file('daily')), killInside(run)])
  },
}

/** Once more while it imports and recovers. */
async function killInside(run: Run): Promise<void> {
  await run.until(
    'an answer to a request',
    async () => (await run.service.figure('tidemark_responder_answered_total')) > 0,
  )
  await run.service.end('SIGKILL')
  await run.startGateway()
}

export const KILL_SERVICES: readonly Scenario[] = (
  ['recovery', 'sink mongodb', 'sink influxdb', 'status'] as const
).map((name) => ({
  name: `kill-${name.replace(' ', '-')}`,
  promise: `${name} killed while a gap is filled goes on where it was`,
  run: (run) => killDuringRecovery(run, name),
}))

async function killDuringRecovery(run: Run, name: ServiceName): Promise<void> {
  run.asksAgain = name === 'recovery'
  await run.gap()
  await run.cloud.service(name).end('SIGKILL')
  await run.cloud.startService(name)
  await run.import(run.file('daily'))
}

export const SECOND_SINK: Scenario = {
  name: 'second-sink',
  promise: 'sinks that join and leave hand their partitions over without losing or doubling anything',
  run: async (run) => {
    const seconds = await secondSinks(run)
    await run.gap()
    await Promise.all(STORES.map((store) => run.cloud.service(`sink ${store}`).end('SIGTERM')))
    await takeOver(run, seconds)
    await run.import(run.file('daily'))
    await Promise.all(STORES.map((store) => run.cloud.startService(`sink ${store}`)))
    await members(run, 2)
    await Promise.all(seconds.map((second) => second.end('SIGTERM')))
  },
}

export const PAUSED_SINK: Scenario = {
  name: 'paused-sink',
  promise: 'a sink that stood still past its session, while another took over, harms nothing when it wakes up',
  run: async (run) => {
    const seconds = await secondSinks(run)
    const pairs = await Promise.all(
      STORES.map((store, i) => busyFirst(run, [run.cloud.service(`sink ${store}`), seconds[i]])),
    )
    for (const [busy] of pairs) busy.signal('SIGSTOP')
    try {
      await run.outage()
      await members(run, 1)
      await takeOver(
        run,
        pairs.map(([, idle]) => idle),
      )
    } finally {
      for (const [busy] of pairs) busy.signal('SIGCONT')
    }
    await run.import(run.file('daily'))
    await members(run, 2)
    await Promise.all(seconds.map((second) => second.end('SIGTERM')))
  },
}

/** The one that lands what comes now, then the other. */
async function busyFirst(run: Run, sinks: readonly (Service | undefined)[]): Promise<readonly [Service, Service]> {
  const [one, other] = sinks
  if (one === undefined || other === undefined) throw new Error('expected two sinks')
  const figures = () => Promise.all([landed(one), landed(other)])
  const before = await figures()
  let isOne = false
  await run.until('one of two sinks lands readings', async () => {
    const now = await figures()
    isOne = now[0] > before[0]
    return isOne || now[1] > before[1]
  })
  return isOne ? [one, other] : [other, one]
}

/** One more for each store, as members of their groups. */
async function secondSinks(run: Run): Promise<readonly Service[]> {
  const seconds = await Promise.all(STORES.map((store) => run.cloud.another(`sink ${store}`)))
  await members(run, 2)
  return seconds
}

async function members(run: Run, count: number): Promise<void> {
  for (const store of STORES) {
    await run.until(`${count} sinks of ${store}`, async () => (await run.cloud.sinksOf(store)) === count, TAKEN_OVER_MS)
  }
}

/** Until each of them lands what comes now. */
async function takeOver(run: Run, sinks: readonly Service[]): Promise<void> {
  for (const sink of sinks) {
    const before = await landed(sink)
    await run.until('the other sink lands readings', async () => (await landed(sink)) > before, TAKEN_OVER_MS)
  }
}

function landed(sink: Service): Promise<number> {
  return sink.figure('tidemark_sink_readings_total')
}
