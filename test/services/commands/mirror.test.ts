/** `tidemark mirror --once` and `mirror verify` at their end: words, JSON and exit codes. */

import { expect, test } from 'vitest'
import { runMirrorVerify, sayMirrored } from '../../../services/commands/mirror.ts'
import type { BucketStatus, BucketTally } from '../../../services/core/mirror-status.ts'
import { manualClock } from '../../support/manual-clock.ts'

const BUCKET: BucketStatus = {
  ...{ bucket: 'dome', state: 'equal', reason: '', points: 12_000, missing: 0, differing: 0, extra: 0, refused: 0 },
  ...{
    refusedBecause: '',
    outsideRetention: 0,
    written: 3_000,
    removed: 0,
    compared: 0,
    left: 0,
    freshMs: 1,
    passedMs: 1,
  },
}

async function said(...buckets: readonly BucketStatus[]) {
  let out = ''
  const append = (text: string): void => {
    out += text
  }
  const code = await sayMirrored({ out: async (text) => append(text) }, buckets)
  return { code, out }
}

function tally(each: Partial<BucketTally> = {}, key = 's=a'): BucketTally {
  const counts = { equal: 5, missing: 0, extra: 0, differing: 0, outsideRetention: 0, ...each }
  const tags = [key.split('=') as unknown as readonly [string, string]]
  const series = { key: `m,${key}`, measurement: 'm', tags, unwritable: '' }
  return { ...counts, series: [{ ...counts, series }] }
}

async function verified(tallies: readonly BucketTally[], options: { readonly json?: boolean } = {}) {
  let out = ''
  const append = (text: string): void => {
    out += text
  }
  const left = [...tallies]
  const context = {
    ...{
      clock: manualClock(),
      terminal: false,
      note: () => undefined,
      out: async (text: string) => append(text),
    },
    buckets: tallies.map((_, i) => `b${i}`),
    verify: async () => left.shift() ?? tally(),
  }
  return { code: await runMirrorVerify(context, options), out }
}

test('a copy that ended says of each bucket how it is: 0 equal, 3 but for exceptions, 1 anything else', async () => {
  expect(await said(BUCKET)).toEqual({ code: 0, out: 'dome: equal: 12,000 points, 3,000 written\n' })
  const excepted = { ...BUCKET, state: 'exceptions', reason: '1 points are older than the target keeps' } as const
  expect(await said(BUCKET, excepted)).toEqual({ code: 3, out: expect.stringContaining('; 1 points are older') })
  expect((await said(excepted, { ...BUCKET, state: 'blocked' })).code).toBe(1)
})

test('a comparison names the series that differ: 0 equal, 3 but for exceptions, 1 where points are missing or differ', async () => {
  expect(await verified([tally(), tally()])).toMatchObject({ code: 0, out: expect.stringContaining('equal as of') })
  const extra = await verified([tally(), tally({ extra: 2 })])
  expect(extra).toMatchObject({
    code: 3,
    out: expect.stringContaining('  m s=a: 5 equal, 0 missing, 2 extra, 0 differing'),
  })
  expect((await verified([tally({ outsideRetention: 7 })])).out).toContain('7 points are older than the target keeps')
  const missing = await verified([tally({ extra: 2 }), tally({ missing: 1 }, 's=a\nb')])
  expect(missing).toMatchObject({ code: 1, out: expect.stringContaining('"m s=a\\nb": 5 equal, 1 missing') })
})

test('as JSON it has every series, the equal ones too', async () => {
  const { code, out } = await verified([tally(), tally({ differing: 1 })], { json: true })
  expect([code, JSON.parse(out)]).toMatchObject([
    1,
    {
      verdict: 'differs',
      buckets: [
        { bucket: 'b0', verdict: 'equal', series: [{ measurement: 'm', tags: { s: 'a' }, equal: 5 }] },
        { bucket: 'b1', verdict: 'differs', differing: 1 },
      ],
    },
  ])
})
