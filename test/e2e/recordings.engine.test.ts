/** The mission's recordings test on real processes: files that come while the database is down are indexed within ten seconds of its return, each once. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { expect, onTestFinished, test } from 'vitest'
import { engineTests } from '../support/engines.ts'
import { recordFiles } from '../support/recording-files.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { tidemark } from '../support/up-process.ts'

const engines = engineTests('mongodb')
const OUTAGE_MS = 30_000
const WITHIN_MS = 10_000
/** Held before each outage. */
const N = 200
/** An indexer for each, all at once on one database. */
const COUNTS = [1, 5, 50, 500, 1_000, 20_000]
/** Enough to be killed in the middle. */
const DRAINED = 5_000
const TEST_MS = 180_000

let databases = 0

interface Rig {
  readonly root: string
  start(): Promise<ServiceProcess>
  /** Entries of the collection now. */
  count(): Promise<number>
  /** Paths of all entries that are final. */
  paths(): Promise<readonly string[]>
  /** Until one of the indexers has been told by the database that so many entries are there. Resolves with the milliseconds it took. */
  until(count: number, ...indexers: readonly ServiceProcess[]): Promise<number>
  reconcile(): Promise<{ readonly code: number | null; readonly verdict: string; readonly equal: number }>
}

/** A root with some recordings, and the collection `node4`. */
async function rig(): Promise<Rig & { readonly before: readonly string[] }> {
  const dir = await temporaryDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const root = join(dir.path, 'recordings')
  await mkdir(root)
  const server = await engines.mongodb()
  databases += 1
  const url = server.url.replace(/\/[^/]*$/, `/recordings_${databases}`)
  const env = {
    TIDEMARK_RECORDING_ROOTS: `store=${root}`,
    TIDEMARK_RECORDINGS: 'mongodb',
    TIDEMARK_RECORDINGS_COLLECTION: 'node4',
    TIDEMARK_MONGODB_URL: url,
  }
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 2_000 })
  onTestFinished(() => client.close())
  const node4 = client.db().collection('node4')
  const it: Rig = {
    root,
    start: () => startService(['indexer', '--data', join(dir.path, 'data')], env),
    count: () => node4.countDocuments(),
    paths: async () =>
      (await node4.find({ state: 'final' }).project({ path: 1 }).toArray()).map(({ path }) => String(path)),
    until: async (wanted, ...indexers) => {
      const fromMs = performance.now()
      for (let now = 0; now < wanted; now = Math.max(...(await Promise.all(indexers.map(finalEntries))))) {
        if (performance.now() - fromMs > 90_000) throw new Error(`${now} entries, not ${wanted}, after 90 s`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      return performance.now() - fromMs
    },
    reconcile: async () => {
      const ran = await tidemark(join(dir.path, 'data'), ['indexer', 'reconcile', '--json'], env)
      const { verdict, roots } = JSON.parse(ran.out) as { verdict: string; roots: { equal: number }[] }
      return { code: ran.code, verdict, equal: roots[0]?.equal ?? 0 }
    },
  }
  return { ...it, before: await recordFiles(root, 'before', N) }
}

/** Of its figures: asking the stand-in for a count takes it as long as inserting all of them, and would be the load that is measured. */
async function finalEntries({ url }: ServiceProcess): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/tidemark_recordings_entries\{root="store",state="final"\} (\d+)/.exec(metrics)?.[1] ?? 0)
}

async function equalAtTheEnd(it: Rig, wanted: readonly string[]): Promise<void> {
  expect(await it.count()).toBe(wanted.length)
  expect((await it.paths()).toSorted()).toEqual(wanted.toSorted())
  expect(await it.reconcile()).toEqual({ code: 0, verdict: 'equal', equal: wanted.length })
}

function say(what: string, ms: number): void {
  console.info(`${what}: ${(ms / 1000).toFixed(1)} s`)
}

function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

engines.describe('recordings that come while the database is down', () => {
  test(
    `${COUNTS.join(', ')} files in an outage of 30 s are there within 10 s of its return, each by its id`,
    async () => {
      const server = await engines.mongodb()
      const all = await Promise.all(COUNTS.map(async (count) => ({ count, it: await rig() })))
      const running = await Promise.all(all.map(async (each) => ({ ...each, indexer: await each.it.start() })))
      await Promise.all(running.map(({ it, indexer }) => it.until(N, indexer)))
      await server.stop()
      const downMs = performance.now()
      const during = await Promise.all(all.map(({ it, count }) => recordFiles(it.root, 'during', count)))
      await elapse(OUTAGE_MS - (performance.now() - downMs))
      await server.start()
      const took = await Promise.all(running.map(({ it, count, indexer }) => it.until(N + count, indexer)))
      for (const [i, { it, count, indexer }] of running.entries()) {
        const tookMs = took[i] ?? Number.NaN
        say(`${count.toLocaleString('en')} files, an outage of 30 s, N ${N} → ${N + count}`, tookMs)
        expect(tookMs).toBeLessThan(WITHIN_MS)
        await equalAtTheEnd(it, [...it.before, ...(during[i] ?? [])])
        const said = indexer.output()
        expect(said.match(/index of recordings is away/g)?.length, said).toBe(1)
        expect((await indexer.end('SIGTERM')).code).toBe(0)
      }
    },
    TEST_MS,
  )

  test(
    'killed in the middle of the drain and started again, the indexer goes on, and nothing is missing or doubled',
    async () => {
      const it = await rig()
      const server = await engines.mongodb()
      const first = await it.start()
      await it.until(N, first)
      await server.stop()
      const during = await recordFiles(it.root, 'during', DRAINED)
      await server.start()
      await it.until(N + 1_000, first)
      await first.end('SIGKILL')
      const left = await it.count()
      expect(left).toBeLessThan(N + DRAINED)
      const fromMs = performance.now()
      const second = await it.start()
      await it.until(N + DRAINED, second)
      say(
        `${DRAINED.toLocaleString('en')} files, SIGKILL at ${left}, from the start of the next one on`,
        performance.now() - fromMs,
      )
      expect(performance.now() - fromMs).toBeLessThan(WITHIN_MS + 6_000)
      await equalAtTheEnd(it, [...it.before, ...during])
      await second.end('SIGTERM')
    },
    TEST_MS,
  )

  test(
    'the database killed in the middle of the drain is drained into again when it is back',
    async () => {
      const it = await rig()
      const server = await engines.mongodb()
      const indexer = await it.start()
      await it.until(N, indexer)
      await server.stop()
      const during = await recordFiles(it.root, 'during', DRAINED)
      await server.start()
      await it.until(N + 1_000, indexer)
      await server.kill()
      const left = await finalEntries(indexer)
      expect(left).toBeLessThan(N + DRAINED)
      await elapse(3_000)
      await server.start()
      const tookMs = await it.until(N + DRAINED, indexer)
      say(`${DRAINED.toLocaleString('en')} files, the database killed at ${left}, from its return on`, tookMs)
      expect(tookMs).toBeLessThan(WITHIN_MS)
      await equalAtTheEnd(it, [...it.before, ...during])
      await indexer.end('SIGTERM')
    },
    TEST_MS,
  )

  test(
    'two indexers at once make each entry once, also when the one that leads is killed',
    async () => {
      const it = await rig()
      const server = await engines.mongodb()
      const first = await it.start()
      await it.until(N, first)
      const second = await it.start()
      await server.stop()
      const during = await recordFiles(it.root, 'during', 5_000)
      await elapse(8_000)
      await server.start()
      const tookMs = await it.until(N + 5_000, first, second)
      say('5,000 files, two indexers', tookMs)
      expect(tookMs).toBeLessThan(WITHIN_MS)
      const more = await recordFiles(it.root, 'more', 50)
      await first.end('SIGKILL')
      say('50 files, one of two indexers killed', await it.until(N + 5_050, second))
      await equalAtTheEnd(it, [...it.before, ...during, ...more])
      await second.end('SIGTERM')
    },
    TEST_MS,
  )
})
