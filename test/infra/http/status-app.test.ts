/** The page and its API: what anyone on this machine may read, and what only the page's own token may change. */

import { describe, expect, test } from 'vitest'
import { statusApp } from '../../../infra/http/status-app.ts'
import type { Proof } from '../../../services/commands/proof.ts'
import { TidemarkError } from '../../../services/core/errors.ts'

const proof: Proof = { as_of: 'now', state: 'complete', gateways: [] }

function appWith(httpToken?: string) {
  const cuts: [string, boolean][] = []
  const app = statusApp({
    httpToken,
    pageToken: 'page-secret',
    proof: async (gateway) => {
      if (gateway === 'away') throw new TidemarkError('ledger-unavailable')
      if (gateway === 'nobody') throw new TidemarkError('usage-wrong', 'no such gateway')
      return proof
    },
    hosted: () => [{ gateway: 'g1', cut: false, journal: 3 }],
    setLink: (gateway, cut) => void cuts.push([gateway, cut]),
  })
  const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    app.request(path, { ...init, headers }, { incoming: { headers } })
  return { ask, cuts }
}

describe('the status app', () => {
  test('serves the page with its token and the proof as JSON', async () => {
    const { ask } = appWith()
    const page = await ask('/')
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toContain('content="page-secret"')
    expect(await (await ask('/api/proof')).json()).toEqual(proof)
    expect((await ask('/api/proof?gateway=nobody')).status).toBe(404)
  })

  test('says that the ledger is away, instead of failing', async () => {
    const answer = await appWith().ask('/api/proof?gateway=away')
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ code: 'ledger-unavailable' })
  })

  test('asks for the token of the settings where one is set, and lets a browser sign in with it', async () => {
    const { ask } = appWith('outer')
    for (const path of ['/', '/api/proof', '/api/gateways']) {
      const refused = await ask(path)
      expect(refused.status).toBe(401)
      expect(refused.headers.get('www-authenticate')).toContain('Basic')
      const basic = `Basic ${Buffer.from('me:outer').toString('base64')}`
      expect((await ask(path, { authorization: basic })).status).toBe(200)
    }
  })

  test('answers no page that another name was pointed at this machine for', async () => {
    const { ask } = appWith()
    expect((await ask('/', { host: 'evil.example:8080' })).status).toBe(403)
    expect((await ask('/api/proof', { host: 'evil.example' })).status).toBe(403)
    for (const host of ['localhost:8080', '127.0.0.1:8080', '[::1]:8080'])
      expect((await ask('/', { host })).status).toBe(200)
  })

  test('switches a link only with the token of the page', async () => {
    const { ask, cuts } = appWith()
    const body = JSON.stringify({ cut: true })
    expect((await ask('/api/link/g1', {}, { method: 'POST', body })).status).toBe(401)
    expect((await ask('/api/link/g1', { authorization: 'Bearer wrong' }, { method: 'POST', body })).status).toBe(401)
    const mine = { authorization: 'Bearer page-secret' }
    expect((await ask('/api/link/other', mine, { method: 'POST', body })).status).toBe(404)
    expect((await ask('/api/link/g1', mine, { method: 'POST', body: '{}' })).status).toBe(400)
    expect(cuts).toEqual([])
    expect((await ask('/api/link/g1', mine, { method: 'POST', body })).status).toBe(200)
    expect(cuts).toEqual([['g1', true]])
  })
})
