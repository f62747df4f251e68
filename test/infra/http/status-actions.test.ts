/** What the page may change: only with the token of this start, only what is asked rightly, and told as the command tells it. */

import { describe, expect, test } from 'vitest'
import { TidemarkError } from '../../../services/core/errors.ts'
import type { PageAction } from '../../../services/status/page-api.ts'
import { statusUnderTest } from './status-under-test.ts'

const JOURNAL = { readings: 0, unconfirmed: 0, bytes: 0, max_bytes: 1 }

const POSTS: readonly (readonly [path: string, body: object, action: PageAction])[] = [
  ['/api/link/g1', { cut: true }, { kind: 'link', gateway: 'g1', cut: true }],
  ['/api/recover', { gateway: 'g', from: 'f', to: 't' }, { kind: 'recover', gateway: 'g', from: 'f', to: 't' }],
  ['/api/replay', { store: 's', to: 'earliest' }, { kind: 'replay', store: 's', to: 'earliest' }],
  [
    '/api/writeoff',
    { gateway: 'g', epoch: 'e', ranges: '1-5', reason: 'burnt' },
    { kind: 'writeoff', gateway: 'g', epoch: 'e', ranges: '1-5', reason: 'burnt' },
  ],
  ['/api/quarantine/redrive', { id: 'q' }, { kind: 'redrive', id: 'q' }],
  ['/api/quarantine/discard', { id: 'q' }, { kind: 'discard', id: 'q' }],
]

function hosting(given: Parameters<typeof statusUnderTest>[0] = {}) {
  const it = statusUnderTest(given)
  it.fleet.hosted.push({ gateway: 'g1', cut: false, journal: JOURNAL })
  return it
}

describe('a post of the page', () => {
  test('does what it asks, and answers what the command says', async () => {
    const { post, acted } = hosting({ act: async ({ kind }) => ({ ok: true, text: `${kind}: done` }) })
    for (const [path, body, action] of POSTS) {
      const answer = await post(path, body)
      expect([path, answer.status]).toEqual([path, 200])
      expect(await answer.json()).toEqual({ ok: true, text: `${action.kind}: done` })
      expect(acted.pop()).toEqual(action)
    }
  })

  test('needs the token of this start: another or none is told so, and nothing is done', async () => {
    for (const given of [{}, { httpToken: 'outer' }]) {
      const { post, acted } = hosting(given)
      for (const [path, body] of POSTS) {
        for (const headers of [
          {},
          { authorization: 'Bearer of-the-start-before' },
          { authorization: 'Bearer outer' },
        ]) {
          const answer = await post(path, body, headers as Record<string, string>)
          expect([path, answer.status]).toEqual([path, 401])
          expect(await answer.json()).toMatchObject({ code: 'token-wrong', reason: expect.stringContaining('load') })
        }
      }
      expect(acted).toEqual([])
    }
  })

  test('that lacks something, or is no JSON, is told what was expected', async () => {
    const { post, acted } = hosting()
    for (const [path, body] of POSTS) {
      const [first = ''] = Object.keys(body)
      for (const wrong of ['{', '[]', { ...body, [first]: undefined }, { ...body, [first]: 7 }]) {
        const answer = await post(path, wrong)
        expect([path, answer.status]).toEqual([path, 400])
        expect(await answer.json()).toMatchObject({ code: 'usage-wrong' })
      }
    }
    expect(acted).toEqual([])
  })

  test('is at most a megabyte', async () => {
    const { post, acted } = hosting()
    const ranges = (count: number) => Array.from({ length: count }, (_, i) => `${10_000_000 + i}`).join()
    const body = { gateway: 'g', epoch: 'e', reason: 'r' }
    expect((await post('/api/writeoff', { ...body, ranges: ranges(50_000) })).status).toBe(200)
    const large = await post('/api/writeoff', { ...body, ranges: ranges(150_000) })
    expect([large.status, await large.json()]).toMatchObject([413, { code: 'body-too-large' }])
    expect(acted.length).toBe(1)
  })

  test('for the link of a gateway that does not run here is refused', async () => {
    const { post, acted } = hosting()
    const answer = await post('/api/link/other', { cut: true })
    expect([answer.status, await answer.json()]).toMatchObject([404, { code: 'gateway-unknown' }])
    expect(acted).toEqual([])
  })

  test('that the command refuses, or an engine is away for, is answered with its reason', async () => {
    const refusing = hosting({ act: async () => ({ ok: false, text: 'q: not sent again: it holds no reading' }) })
    const refused = await refusing.post('/api/quarantine/redrive', { id: 'q' })
    expect(refused.status).toBe(409)
    expect(await refused.json()).toEqual({ code: 'refused', reason: 'q: not sent again: it holds no reading' })
    for (const [code, status] of [
      ['usage-wrong', 400],
      ['log-unavailable', 503],
      ['ledger-unavailable', 503],
    ] as const) {
      const failing = hosting({
        act: async () => {
          throw new TidemarkError(code, 'because')
        },
      })
      const answer = await failing.post('/api/recover', { gateway: 'g', from: 'f', to: 't' })
      expect([answer.status, await answer.json()]).toMatchObject([
        status,
        { code, reason: expect.stringContaining('because') },
      ])
    }
  })
})
