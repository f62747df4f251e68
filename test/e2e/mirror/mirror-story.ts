/** The story of a mirror over a bad link: everything is cut, killed and started again, points come late, early and changed, and in the end both sides are equal. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { startInfluxdb } from '../../../infra/influxdb/launcher.ts'
import { type CuttableProxy, cuttableProxy } from '../../support/cuttable-proxy.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { startService } from '../../support/service-process.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { tidemark } from '../../support/up-process.ts'
import { countOf, expectEqual, makeBucket, type Server, writeLines } from './raw-influxdb.ts'

export interface StoryOptions {
  /** Rows of the source, most of five fields. */
  readonly rows: number
  readonly series: number
  readonly mirrorKills: number
  /** Of back-dated points, of points ten years ahead, and of points that are changed. */
  readonly late: number
  readonly early: number
  readonly changed: number
  /** Of the bytes that all lines have, for those points at most. */
  readonly shareMax: number
}

const BUCKETS = ['cryostat', 'dome', 'weather'] as const
const YEAR_NANOS = 31_536_000_000_000_000n
const STEP_NANOS = 10_000_000_000n
const UP_MS = { min: 1_500, more: 2_500 }

export async function mirrorStory(options: StoryOptions): Promise<void> {
  await using folder = await temporaryDir()
  await using source = await startInfluxdb()
  await using target = await startInfluxdb()
  await using proxy = await cuttableProxy()
  await using counting = await cuttableProxy()
  const config = join(folder.path, 'settings.yaml')
  writeFileSync(config, settingsYaml(behind(proxy, source), behind(counting, target)))
  const moved = (): number => proxy.sent + proxy.received + counting.sent + counting.received
  const from = BigInt(Date.now()) * 1_000_000n - BigInt(options.rows / options.series) * STEP_NANOS
  for (const bucket of BUCKETS) await makeBucket(source, bucket)
  let size = 0
  for (const [i, bucket] of BUCKETS.entries()) size += await writeLines(source, bucket, linesOf(options, from, i))
  console.log(`the source holds ${options.rows} rows in ${options.series} series, 5 points each`)

  const first = await copiedUnderFaults({ options, folder: folder.path, config, proxy, source, target })
  await expectEqual(source, target, BUCKETS)
  console.log(
    `copied in ${Math.round(first.tookMs / 1000)} s, with ${first.cuts} cuts, ${first.kills} kills of the mirror, one of each server; ${moved()} bytes moved`,
  )

  await changeSource(source, options, from)
  const before = await tidemark(folder.path, ['mirror', 'verify', '--config', config])
  expect([before.code, before.out.includes('differs as of')]).toEqual([1, true])
  const movedBefore = moved()
  const again = await tidemark(folder.path, ['mirror', '--once', '--config', config])
  expect([again.code, again.err]).toEqual([0, expect.anything()])
  const forChanges = moved() - movedBefore
  console.log(
    `${options.late} late, ${options.early} early, ${options.changed} changed points: ${forChanges} bytes moved both ways at both ends, of which the mirror tells ${toldBy(folder.path)}; the buckets are ${size} bytes of lines`,
  )
  expect(forChanges).toBeLessThan(size * options.shareMax)
  // Without the heads of requests and answers.
  expect(toldBy(folder.path)).toBeLessThanOrEqual(forChanges)
  await expectEqual(source, target, BUCKETS)

  const service = await startService(['mirror', '--config', config, '--data', folder.path], {
    TIDEMARK_MIRROR_EVERY: '1s',
  })
  for (let i = 0; i < 3; i++) {
    await writeLines(source, 'dome', [`now v=${i} ${BigInt(Date.now()) * 1_000_000n}`])
    await until(async () => (await countOf(target, 'dome', 'now', 'v')) === i + 1)
  }
  const { code, tookMs } = await service.end('SIGTERM')
  expect([code, tookMs < 5_000]).toEqual([0, true])
}

interface Faulty {
  readonly options: StoryOptions
  readonly folder: string
  readonly config: string
  readonly proxy: { cut(): void; restore(): void }
  readonly source: { kill(): Promise<void>; start(): Promise<void> }
  readonly target: { kill(): Promise<void>; start(): Promise<void> }
}

/** The mirror runs while its link is cut every few seconds; it and both servers are killed. */
async function copiedUnderFaults({ options, folder, config, proxy, source, target }: Faulty) {
  const fromMs = performance.now()
  const random = seededRandom(8)
  const start = () => startService(['mirror', '--config', config, '--data', folder], { TIDEMARK_MIRROR_EVERY: '1s' })
  let mirror = await start()
  let [cuts, kills] = [0, 0]
  for (let i = 0; i <= options.mirrorKills; i++) {
    await wait(UP_MS.min + random.next() * UP_MS.more)
    proxy.cut()
    cuts += 1
    await wait(300)
    proxy.restore()
    await wait(random.next() * UP_MS.more)
    if (i === 0) {
      await source.kill()
      await source.start()
    } else if (i === 1) {
      await target.kill()
      await target.start()
    }
    if (i === options.mirrorKills) break
    expect((await mirror.end('SIGKILL')).code).toBe('SIGKILL')
    kills += 1
    mirror = await start()
  }
  let isCutting = true
  const cutting = (async () => {
    while (isCutting) {
      await wait(3_000)
      proxy.cut()
      cuts += 1
      await wait(200)
      proxy.restore()
    }
  })()
  await until(async () => statesIn(folder).every((state) => state === 'equal'), 600_000)
  isCutting = false
  await cutting
  await until(async () => (await tidemark(folder, ['mirror', 'verify', '--config', config])).code === 0, 60_000)
  expect((await mirror.end('SIGTERM')).code).toBe(0)
  return { tookMs: performance.now() - fromMs, cuts, kills }
}

/** The server as it is seen through the proxy, in the form that the settings file had. */
function behind(proxy: CuttableProxy, server: Server): Server {
  proxy.forwardTo(Number(new URL(server.url).port))
  return { ...server, url: `127.0.0.1:${proxy.port}` }
}

function settingsYaml(source: Server, target: Server): string {
  return [
    `REMOTE_IP: '${source.url}'`,
    `REMOTE_TOKEN: '${source.token}'`,
    `REMOTE_ORG: '${source.org}'`,
    `LOCAL_IP: '${target.url}'`,
    `LOCAL_TOKEN: '${target.token}'`,
    `LOCAL_ORG: '${target.org}'`,
    "REFRESH_RATE: '00:00:30'",
    "RECOVER_DATA_SINCE_DATE: '2015-01-01T00:00:00Z'",
    'BUCKETS:',
    ...BUCKETS.map((bucket) => `  - ${bucket}`),
    '',
  ].join('\n')
}

/** Bucket number `part`. */
function* linesOf({ rows, series }: StoryOptions, from: bigint, part: number): Generator<string> {
  for (let i = part; i < rows; i += BUCKETS.length) {
    const at = i % series
    const time = from + BigInt(Math.floor(i / series)) * STEP_NANOS + BigInt(at)
    const text = String.raw`"a \"${i}\" \\ , = é 🌊${i % 50 === 0 ? '\n' : ''}"`
    yield `${String.raw`st\ age\,${at % 4}`},s=${String.raw`n\ \=${at}\,ü`} f=${Math.sin(i)},i=${9_007_199_254_740_993n + BigInt(i)}i,u=${18_446_744_073_708_000_000n + BigInt(i)}u,b=${i % 3 === 0},t=${text} ${time}`
  }
}

async function changeSource(
  source: Server,
  { late, early, changed, series }: StoryOptions,
  from: bigint,
): Promise<void> {
  const line = (i: number, time: bigint): string =>
    `${String.raw`st\ age\,${(i % series) % 4}`},s=${String.raw`n\ \=${i % series}\,ü`} f=${i + 0.25} ${time}`
  const spread = Array.from({ length: late }, (_, i) => line(i, from - (BigInt(i) * YEAR_NANOS) / BigInt(late)))
  const ahead = Array.from({ length: early }, (_, i) => line(i, from + 10n * YEAR_NANOS + BigInt(i)))
  for (const bucket of BUCKETS.slice(0, 1)) await writeLines(source, bucket, [...spread, ...ahead])
  // The first points of their series are there in the bucket of their number.
  const over = Array.from({ length: changed }, (_, i) => i).filter((i) => i % BUCKETS.length === 1)
  await writeLines(
    source,
    'dome',
    over.map((i) => line(i, from + BigInt(Math.floor(i / series)) * STEP_NANOS + BigInt(i % series))),
  )
}

interface Told {
  readonly ends: readonly { readonly received: number; readonly sent: number }[]
  readonly buckets: readonly { readonly state: string }[]
}

function toldIn(folder: string): Told {
  return JSON.parse(readFileSync(join(folder, 'mirror.json'), 'utf8')) as Told
}

function statesIn(folder: string): readonly string[] {
  return toldIn(folder).buckets.map(({ state }) => state)
}

function toldBy(folder: string): number {
  return toldIn(folder).ends.reduce((sum, { received, sent }) => sum + received + sent, 0)
}

async function until(condition: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  const endMs = performance.now() + withinMs
  while (!(await condition())) {
    expect(performance.now()).toBeLessThan(endMs)
    await wait(200)
  }
}
