/** An end of a mirror on a real InfluxDB: the contract, and what its texts, types, names and refusals ask of it. */

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { influxdbMirrorEnd } from '../../../infra/influxdb/mirror-end.ts'
import { systemClock } from '../../../infra/system.ts'
import type { MirrorEnd, TimeWindow } from '../../../services/ports/mirror-end.ts'
import { type MirrorEndUnderTest, mirrorEndContract, row, texts } from '../../contract/mirror-end.ts'
import { engineTests } from '../../support/engines.ts'

const engines = engineTests('influxdb')
const NEVER = new AbortController().signal
const FOR_EVER = { retentionMs: 0, shardMs: 604_800_000 }
const ALWAYS: TimeWindow = { from: -9_223_372_036_854_775_806n, to: 9_223_372_036_854_775_807n }
const WEEK = 604_800_000_000_000n
const T0 = 1_700_000_000_000_000_000n

async function opened(): Promise<MirrorEndUnderTest & { lines(...lines: readonly string[]): Promise<void> }> {
  const { url, token, org } = await engines.influxdb()
  const bucket = `of/${randomBytes(6).toString('hex')} ü`
  const endAt = (address: string): MirrorEnd =>
    influxdbMirrorEnd({ name: 'source', settings: 'MIRROR_SOURCE', url: address, token, org, clock: systemClock })
  const [end, dead] = [endAt(url), endAt('http://127.0.0.1:1')]
  return {
    ...{ end, dead, bucket },
    lines: async (...lines) => {
      const asked = new URLSearchParams({ org, bucket, precision: 'ns' })
      const headers = { authorization: `Token ${token}` }
      const answer = await fetch(`${url}/api/v2/write?${asked}`, { method: 'POST', headers, body: lines.join('\n') })
      expect([answer.status, await answer.text()]).toEqual([204, ''])
    },
    [Symbol.asyncDispose]: async () => {
      await end[Symbol.asyncDispose]()
      await dead[Symbol.asyncDispose]()
    },
  }
}

engines.describe('influxdbMirrorEnd on a real InfluxDB', () => {
  mirrorEndContract('influxdbMirrorEnd', opened)

  test('every type, text, name and time comes back as the line that it was written with', async () => {
    await using it = await opened()
    await it.end.makeBucket(it.bucket, FOR_EVER, NEVER)
    const lines = [
      String.raw`m\ 1\,x="y\z,t=a\ b\,c\=d\\e,ü=😀\" f=-0 1`,
      String.raw`m\ 1\,x="y\z,t=a\ b\,c\=d\\e,ü=😀\" s="" 1`,
      String.raw`m\ 1\,x="y\z,t=a\ b\,c\=d\\e,ü=😀\" s="l1 \"q\" \\ back, comma=, 'x'" 2`,
      'm,tag=1 text="first\r\nsecond\rthird\n" 5',
      'm,tag=1 i=9223372036854775807i 5',
      'm,tag=1 i=-9223372036854775808i 6',
      'm,tag=1 u=18446744073709551615u 5',
      'm,tag=1 u=5u 6',
      'm,tag=1 whole=9007199254740993 5',
      'm,tag=1 tiny=5e-324 5',
      'm,tag=1 large=1e+300 5',
      'm,tag=1 yes=true 5',
      'm,tag=1 yes=false 6',
      'm f=1 -9223372036854775806',
      'm f=2 9223372036854775806',
      // A tag and a field of one name, tags that look like columns, a field that looks like a function's.
      'same,a=1 a=2 5',
      'same,a=1 b="x" 5',
      'same,b=1 c=2 6',
      'same,_time=x,result=y,table=z f=1 7',
      '__proto__,__proto__=x __proto__=1 8',
      'q,count_f=1 count_f=2 8',
      `r"'s,time_=x f\\ 'o"=1 8`,
    ]
    await it.lines(...lines)
    // The field of a whole number beyond 2^53 is the next float.
    const exact = lines.map((line) => line.replace('9007199254740993', '9007199254740992'))
    expect(await texts(it, ALWAYS)).toEqual(exact.sort())
    const sums = await it.end.sums(it.bucket, ALWAYS, undefined, NEVER)
    expect(sums.reduce((sum, { points }) => sum + points, 0)).toBe(lines.length)
  })

  test('a field that has another type in each shard keeps each, also numbers of three types', async () => {
    await using it = await opened()
    await it.end.makeBucket(it.bucket, FOR_EVER, NEVER)
    const values = ['1.5', '2i', '3u', '"text"', 'true', '4i']
    const lines = values.flatMap((value, i) => [
      `mix,s=a v=${value} ${T0 - BigInt(i) * 2n * WEEK}`,
      `mix,s=a other=${i} ${T0 - BigInt(i) * 2n * WEEK}`,
    ])
    await it.lines(...lines)
    expect(await texts(it, ALWAYS)).toEqual(lines.sort())
    const sums = await it.end.sums(it.bucket, ALWAYS, undefined, NEVER)
    expect(sums.map(({ field, points }) => `${field} ${points}`).sort()).toEqual(['other 6', 'v 6'])
  })

  test('of lines that are refused each has its own answer, and a row only loses the field that is refused', async () => {
    await using it = await opened()
    const keepsMs = 14 * 86_400_000
    await it.end.makeBucket(it.bucket, { retentionMs: keepsMs, shardMs: 86_400_000 }, NEVER)
    const now = BigInt(Date.now()) * 1_000_000n
    await it.lines(`m,s=a v=1i ${now}`)
    const both = { ...row('m,s=a', 'v', '1.5', now + 1n), names: ['v', 'w'], values: ['1.5', '2.5'] }
    const broken = row('m', 'v', '1i', now)
    const outcome = await it.end.write(
      it.bucket,
      [
        both,
        row('m,s=a', 'v', '7i', now + 2n),
        row('m,s=a', 'v', '8i', now - 400n * 86_400_000_000_000n),
        { ...broken, series: { ...broken.series, key: 'm,s=\n', unwritable: 'no line breaks in tags' } },
      ],
      NEVER,
    )
    expect(outcome).toMatchObject({ written: 2, outsideRetention: 1, refused: 2 })
    await it.end.bucket(it.bucket, NEVER)
    expect(await texts(it, ALWAYS)).toEqual([`m,s=a v=1i ${now}`, `m,s=a v=7i ${now + 2n}`, `m,s=a w=2.5 ${now + 1n}`])
  })

  test('a wrong token and an organisation that is not there are named with the setting', async () => {
    await using it = await opened()
    const { url, token, org } = await engines.influxdb()
    const common = { name: 'target', settings: 'MIRROR_TARGET', url, clock: systemClock } as const
    await using stranger = influxdbMirrorEnd({ ...common, token: 'wrong', org })
    await using elsewhere = influxdbMirrorEnd({ ...common, token, org: 'nowhere' })
    await expect(stranger.probe(it.bucket, NEVER)).rejects.toMatchObject({
      code: 'store-misconfigured',
      message: expect.stringContaining('check MIRROR_TARGET_TOKEN'),
    })
    await expect(elsewhere.makeBucket(it.bucket, FOR_EVER, NEVER)).rejects.toMatchObject({
      code: 'store-misconfigured',
      message: expect.stringContaining('MIRROR_TARGET_ORG (nowhere)'),
    })
  })

  test('it takes no more bytes a second than it may', async () => {
    await using it = await opened()
    await it.end.makeBucket(it.bucket, FOR_EVER, NEVER)
    await it.lines(...Array.from({ length: 5_000 }, (_, i) => `m v=${Math.sin(i)} ${T0 + BigInt(i)}`))
    const { url, token, org } = await engines.influxdb()
    const paced = {
      name: 'source',
      settings: 'MIRROR_SOURCE',
      url,
      token,
      org,
      clock: systemClock,
      bytesPerS: 40_000,
    } as const
    await using end = influxdbMirrorEnd(paced)
    await end.bucket(it.bucket, NEVER)
    const [fromMs, before] = [performance.now(), end.moved.received]
    let rows = 0
    for await (const batch of end.read(it.bucket, ALWAYS, undefined, NEVER)) rows += batch.length
    const [tookS, bytes] = [(performance.now() - fromMs) / 1000, end.moved.received - before]
    expect([rows, bytes > 20_000]).toEqual([5_000, true])
    expect(bytes / tookS).toBeLessThan(60_000)
  })
})
