/** A store's topics read again from an earlier record, while its sink runs and fresh readings come in: nothing changes, and these do not wait for long. */

import { toNanos } from '../../../schemas/time.ts'
import type { StoredReading } from '../../../services/ports/reading-store.ts'
import { STORES, type StoreName } from './cloud.ts'
import { exactText } from './exact-values.ts'
import type { Run } from './run.ts'
import type { Scenario } from './scenario.ts'

/** What stands on the log when a store is replayed, at least. */
const REPLAYED = 20_000
const LAGS_LEAST = 3
/** From the door's answer to the store, while a replay runs. */
const LAG_MAX_MS = { other: 15_000, replayed: 60_000 }

export const REPLAYS: readonly Scenario[] = [
  {
    name: 'replay-mongodb',
    promise: 'replay --to earliest under load leaves every document as it was, and fresh readings land meanwhile',
    recoveryBytesPerS: '4MB',
    run: async (run) => {
      await fill(run)
      await replay(run, 'mongodb', 'earliest', REPLAYED)
    },
  },
  {
    name: 'replay-influxdb',
    promise: 'replay --to TIME under load leaves every point as it was, and fresh readings land meanwhile',
    recoveryBytesPerS: '4MB',
    run: async (run) => {
      await run.import(run.file('hourly', 'before'))
      const from = new Date().toISOString()
      await run.import(run.file('hourly', 'after'))
      await replay(run, 'influxdb', from, run.rows)
    },
  },
]

/** Real files under as many sensors as it takes. */
async function fill(run: Run): Promise<void> {
  for (let i = 1, size = (await run.readers.read('mongodb')).length; size < REPLAYED; i++) {
    const file = run.file('hourly', `fill-${i}`, REPLAYED - size)
    await run.import(file)
    size += file.rows.length
  }
}

async function replay(run: Run, store: StoreName, to: string, least: number): Promise<void> {
  await run.load.stop()
  await settled(run)
  const before = await contents(run, store)
  if (before.size < least) throw new Error(`expected at least ${least} readings in ${store}, came ${before.size}`)
  const landed = await run.landed(store)
  run.load.start()
  const ran = await run.cloud.command('replay', '--store', store, '--to', to)
  if (ran.code !== 0) throw new Error(`replay ended with ${ran.code}: ${ran.err}`)
  const isOver = async (): Promise<boolean> => (await run.landed(store)) >= landed + least
  const lags = await Promise.all(STORES.map((name) => lagsOf(run, name, isOver)))
  await run.load.stop()
  await settled(run)
  compare(run, before, await contents(run, store))
  for (const [i, name] of STORES.entries()) {
    const most = Math.max(...(lags[i] ?? []))
    const bound = name === store ? LAG_MAX_MS.replayed : LAG_MAX_MS.other
    run.notes.push(`${name}: ${lags[i]?.length} fresh readings, each there within ${Math.round(most)} ms`)
    if (most > bound) run.failures.push(`a fresh reading took ${Math.round(most)} ms to ${name}, at most ${bound}`)
  }
}

/** From the door's answer until a fresh reading stands in the store, in ms, one after the other until the replay is over. */
async function lagsOf(run: Run, store: StoreName, isOver: () => Promise<boolean>): Promise<readonly number[]> {
  const lags: number[] = []
  do {
    const time = BigInt(Date.now()) * 1_000_000n
    const identity = { gateway: run.gateway, type: 'temperature', sensor: `fresh-for-${store}`, time }
    await run.send([{ ...identity, values: { temperature: lags.length } }])
    const answeredMs = performance.now()
    await run.until(`a fresh reading in ${store}`, () => run.readers.stands(store, identity), 2 * LAG_MAX_MS.replayed)
    lags.push(performance.now() - answeredMs)
  } while (lags.length < LAGS_LEAST || !(await isOver()))
  return lags
}

/** Everything accepted so far stands in both stores. */
async function settled(run: Run): Promise<void> {
  const { code, out, err } = await run.cloud.command('proof', '--gateway', run.gateway, '--wait', '90s')
  if (code !== 0) throw new Error(`the proof before or after the replay ended with ${code}: ${out}${err}`)
}

/** All that a store says of each reading, by identity. */
async function contents(run: Run, store: StoreName): Promise<ReadonlyMap<string, string>> {
  const all = await run.readers.read(store)
  return new Map(all.map((each) => [identityOf(each), textOf(each)]))
}

function identityOf({ gateway, reading }: StoredReading): string {
  return `${gateway}/${reading.type}/${reading.sensor}/${toNanos(reading)}`
}

function textOf({ gateway, epoch, source, reading }: StoredReading): string {
  const { values, digest, ...rest } = reading
  return `${JSON.stringify({ gateway, epoch, source, ...rest })} ${exactText(values)} ${Buffer.from(digest).toString('hex')}`
}

function compare(run: Run, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): void {
  const changed = [...before].filter(([identity, text]) => after.get(identity) !== text)
  const came = [...after.keys()].filter((identity) => !before.has(identity))
  const strange = came.filter((identity) => !identity.startsWith(`${run.gateway}/`))
  run.notes.push(`${before.size} compared before and after, ${came.length} came meanwhile`)
  for (const [identity, text] of changed.slice(0, 5)) {
    run.failures.push(`${identity} was ${text} and is ${after.get(identity) ?? 'gone'}`)
  }
  if (changed.length > 5) run.failures.push(`${changed.length} readings changed`)
  if (strange.length > 0) run.failures.push(`${strange.length} readings of other gateways came, such as ${strange[0]}`)
}
