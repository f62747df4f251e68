/** Engines that are killed, stopped, away for long, or whose answers are lost, while real files come in and the link is cut. */

import { STORES } from './cloud.ts'
import type { Scenario } from './scenario.ts'

/** Answers of each store that are lost. */
const LOST = 3

export const CUT: Scenario = {
  name: 'cut',
  promise: 'real files imported while the link is cut stand in both stores once, to the bit',
  recoveryBytesPerS: '4MB',
  run: async (run) => {
    await run.import(run.file('daily', 'daily', Number.POSITIVE_INFINITY))
    await run.outage(run.file('hourly', 'hourly', Number.POSITIVE_INFINITY))
  },
}

export const KILL_ENGINES: readonly Scenario[] = (
  [
    ['kafka', 'kill-broker'],
    ['mongodb', 'kill-mongodb'],
    ['influxdb', 'kill-influxdb'],
  ] as const
).map(([engine, name]) => ({
  name,
  promise: `${engine} killed while a gap is filled comes back with what it had confirmed, and gets the rest`,
  recoveryBytesPerS: '20KB',
  run: async (run) => {
    run.asksAgain = engine === 'kafka'
    await run.gap()
    await run.cloud.engines[engine].kill()
    await run.import(run.file('daily'))
    await run.cloud.engines[engine].start()
  },
}))

export const REGISTRY_STOPPED: Scenario = {
  name: 'registry-stopped',
  promise: 'without the registry nothing is lost: what needs it waits',
  run: async (run) => {
    await run.cloud.engines.registry.stop()
    await run.outage()
    await run.import(run.file('daily'))
    await run.cloud.engines.registry.start()
  },
}

export const LOST_REPLIES: Scenario = {
  name: 'lost-replies',
  promise: 'a write that was done and whose answer was lost is not done twice',
  run: async (run) => {
    const losing = STORES.map(async (store) => {
      const before = run.cloud.proxies[store].lost
      for (let lost = 1; lost <= LOST; lost++) {
        run.cloud.loseNextAnswer(store)
        await run.until(`a lost answer of ${store}`, async () => run.cloud.proxies[store].lost >= before + lost)
      }
    })
    await Promise.all([run.outage(), ...losing])
    await run.import(run.file('daily'))
  },
}

export const INFLUXDB_AWAY: Scenario = {
  name: 'influxdb-away',
  promise: 'a store that was away for most of the run is filled from the log: nothing that is there is asked for again',
  run: async (run) => {
    const { influxdb } = run.cloud.engines
    await influxdb.kill()
    await run.gap()
    await run.import(run.file('daily'))
    await run.until('all of it in the other store', async () => {
      const held = new Set((await run.readers.held('mongodb', run.gateway)).map(({ unique }) => unique))
      return run.imported.every((unique) => held.has(unique))
    })
    const { code, out } = await run.cloud.command('proof', '--gateway', run.gateway)
    if (code !== 1) run.failures.push(`expected an open proof while InfluxDB is away, came code ${code}: ${out}`)
    await influxdb.start()
  },
}
