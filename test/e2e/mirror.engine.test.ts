/** `tidemark mirror` between two real InfluxDB servers: a short story of cuts and kills, and what it does with buckets, points and options that are not as they should be. `MIRROR_STORY=whole` tells the story with a million points. */

import { expect, test } from 'vitest'
import { INFLUXDB, startInfluxdb } from '../../infra/influxdb/launcher.ts'
import { describeWhereInstalled } from '../support/engines.ts'
import { type Environment, environmentOf } from '../support/environment.ts'
import { startService } from '../support/service-process.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { tidemark } from '../support/up-process.ts'
import { awkwardLines } from './mirror/awkward-lines.ts'
import { mirrorStory } from './mirror/mirror-story.ts'
import { countOf, expectEqual, makeBucket, type Server, writeLines } from './mirror/raw-influxdb.ts'

const WHOLE = { rows: 1_000_000, series: 500, mirrorKills: 10, late: 1_000, early: 10, changed: 300, shareMax: 0.05 }
const SHORT = { rows: 12_000, series: 60, mirrorKills: 1, late: 50, early: 3, changed: 30, shareMax: 1 }

function environment(
  source: Server,
  target: Server,
  buckets: string,
  more: Readonly<Record<string, string>> = {},
): Environment {
  return environmentOf(
    { MIRROR_SOURCE_URL: source.url, MIRROR_SOURCE_TOKEN: source.token, MIRROR_SOURCE_ORG: source.org },
    { MIRROR_TARGET_URL: target.url, MIRROR_TARGET_TOKEN: target.token, MIRROR_TARGET_ORG: target.org },
    { MIRROR_BUCKETS: buckets, MIRROR_EVERY: '1s', LOG_LEVEL: 'warn', ...more },
  )
}

describeWhereInstalled([INFLUXDB], 'a mirror of real servers', () => {
  test(
    'cuts, kills, late, early and changed points: in the end both sides are equal',
    async () => {
      await mirrorStory(process.env.MIRROR_STORY === 'whole' ? WHOLE : SHORT)
    },
    process.env.MIRROR_STORY === 'whole' ? 1_800_000 : 120_000,
  )

  test('what is not as it should be is named, costs its neighbours nothing, and no option writes where nobody asked it to', async () => {
    await using folder = await temporaryDir()
    await using source = await startInfluxdb()
    await using target = await startInfluxdb()
    const now = BigInt(Date.now()) * 1_000_000n
    const lines = (name: string) =>
      Array.from({ length: 100 }, (_, i) => `${name},s=a v=${i}i ${now - BigInt(i) * 86_400_000_000_000n}`)
    await makeBucket(source, 'all')
    await makeBucket(source, 'short')
    await makeBucket(target, 'short', 10 * 86_400)
    await makeBucket(target, 'Logging')
    for (const bucket of ['all', 'short']) await writeLines(source, bucket, lines('m'))
    await writeLines(target, 'short', [`only v=1i ${now}`])
    const env = environment(source, target, 'all,nowhere,short')
    const run = (...args: readonly string[]) => tidemark(folder.path, ['mirror', ...args], env)

    const first = await run('--once')
    expect(first.code).toBe(1)
    expect(first.out).toMatch(/^all: equal: 100 points, 100 written$/m)
    expect(first.out).toMatch(/^nowhere: blocked: .*the source has no bucket nowhere/m)
    expect(first.out).toMatch(
      /^short: exceptions: \d+ points, .*1 points are at the target alone.*; \d+ points are older than the target keeps$/m,
    )
    expect(await countOf(target, 'short', 'only', 'v')).toBe(1)
    expect(await countOf(target, 'Logging', 'Logs', 'message')).toBeGreaterThan(3)

    const good = { ...env, TIDEMARK_MIRROR_BUCKETS: 'short' }
    const verified = await tidemark(folder.path, ['mirror', 'verify', '--json'], good)
    expect([verified.code, JSON.parse(verified.out)]).toMatchObject([
      3,
      { verdict: 'exceptions', buckets: [{ extra: 1, missing: 0 }] },
    ])

    const unconfirmed = await tidemark(folder.path, ['mirror', '--once', '--swap'], good)
    expect([unconfirmed.code, unconfirmed.err]).toEqual([2, expect.stringContaining('--yes')])
    expect(await countOf(source, 'short', 'only', 'v')).toBe(0)
    const swapped = await tidemark(folder.path, ['mirror', '--once', '--swap', '--yes'], good)
    expect(swapped.code).toBe(0)
    expect(await countOf(source, 'short', 'only', 'v')).toBe(1)

    const unasked = await tidemark(folder.path, ['mirror', '--once', '--delete'], good)
    expect([unasked.code, unasked.err]).toEqual([2, expect.stringContaining('--yes')])
    await writeLines(target, 'short', [String.raw`only,t\ 1=a\ "b" v=2i ${now}`])
    const deleted = await tidemark(folder.path, ['mirror', '--once', '--delete', '--yes'], good)
    expect([deleted.code, deleted.out]).toEqual([3, expect.stringContaining('1 deleted')])
    expect(await countOf(target, 'short', 'only', 'v')).toBe(1)

    const wrong = await tidemark(folder.path, ['mirror', '--once'], { ...good, TIDEMARK_MIRROR_SOURCE_TOKEN: 'wrong' })
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('check MIRROR_SOURCE_TOKEN')])
    const none = await tidemark(folder.path, ['mirror'], {})
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('REMOTE_IP')])
  })

  test('one mirror of a machine writes to a target; one that was killed holds nothing; SIGTERM ends it at once also while it copies', async () => {
    await using folder = await temporaryDir()
    await using source = await startInfluxdb()
    await using target = await startInfluxdb()
    await makeBucket(source, 'all')
    const now = BigInt(Date.now()) * 1_000_000n
    await writeLines(
      source,
      'all',
      Array.from({ length: 200_000 }, (_, i) => `m,s=s${i % 50} v=${Math.sin(i)} ${now - BigInt(i) * 1_000_000_000n}`),
    )
    const env = environment(source, target, 'all', { MIRROR_BYTES_PER_S: '200KB' })
    const first = await startService(['mirror', '--data', folder.path], env)
    await using elsewhere = await temporaryDir()
    const second = await tidemark(elsewhere.path, ['mirror', '--once'], env)
    expect([second.code, second.err]).toEqual([1, expect.stringContaining('another mirror of this machine')])
    await first.end('SIGKILL')
    const third = await startService(['mirror', '--data', folder.path], env)
    const metrics = async () => await (await fetch(`${third.url}/metrics`)).text()
    await expect
      .poll(metrics, { timeout: 30_000 })
      .toMatch(/tidemark_mirror_written_points_total\{bucket="all"\} [1-9]/)
    const { code, tookMs } = await third.end('SIGTERM')
    expect([code, tookMs < 5_000]).toEqual([0, true])
    expect(await countOf(target, 'all', 'm', 'v')).toBeLessThan(200_000)
  })

  test('awkward names, texts, numbers and times come over to the bit, and so does what is changed in them', async () => {
    await using folder = await temporaryDir()
    await using source = await startInfluxdb()
    await using target = await startInfluxdb()
    const seed = Number(process.env.MIRROR_SEED ?? 7)
    const lines = awkwardLines(seed, 500, BigInt(Date.now()) * 1_000_000n)
    await makeBucket(source, 'all')
    const env = environment(source, target, 'all')
    for (const [pass, drawn] of [lines.drawn(), lines.drawn()].entries()) {
      await writeLines(source, 'all', pass === 0 ? drawn : drawn.filter((_, i) => i % 7 === 0))
      const ran = await tidemark(folder.path, ['mirror', '--once', '--deep'], env)
      expect([seed, pass, ran.code, ran.code === 0 ? '' : ran.out + ran.err]).toEqual([seed, pass, 0, ''])
      await expectEqual(source, target, ['all'])
      const verified = await tidemark(folder.path, ['mirror', 'verify', '--deep'], env)
      expect([pass, verified.code]).toEqual([pass, 0])
    }
  })
})
