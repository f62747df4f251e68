/** Health, readiness and figures of a process: what they say, and to whom. */

import { expect, test } from 'vitest'
import { operationsApp } from '../../../infra/http/operations-app.ts'
import { TidemarkError } from '../../../services/core/errors.ts'

const BEARER = { authorization: 'Bearer outer' }

function appWith(options: { httpToken?: string; ready?: boolean; away?: boolean } = {}) {
  const { httpToken, ready = true, away = false } = options
  const app = operationsApp({
    service: 'sink mongodb',
    httpToken,
    ready: async () => [
      { engine: 'message log', ready: true },
      ready ? { engine: 'store mongodb', ready } : { engine: 'store mongodb', ready, reason: 'refused by 10.0.0.7' },
    ],
    metrics: () => {
      if (away) throw new TidemarkError('ledger-unavailable')
      return [{ name: 'tidemark_things_total', help: 'Things.', samples: [{ labels: {}, value: 3 }] }]
    },
  })
  return (path: string, headers: Record<string, string> = {}) =>
    app.request(path, { headers }, { incoming: { headers } })
}

test('health is asked without a token and says which service lives, whatever its engines do', async () => {
  const answer = await appWith({ httpToken: 'outer', ready: false, away: true })('/health')
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ service: 'sink mongodb', status: 'pass' })
})

test('ready answers 503 with the reason while an engine does not answer', async () => {
  expect((await appWith()('/ready')).status).toBe(200)
  const answer = await appWith({ ready: false })('/ready')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toEqual({
    service: 'sink mongodb',
    ready: false,
    engines: [
      { engine: 'message log', ready: true },
      { engine: 'store mongodb', ready: false, reason: 'refused by 10.0.0.7' },
    ],
  })
})

test('where a token is set, readiness needs none, but only who brings it is told why', async () => {
  const ask = appWith({ httpToken: 'outer', ready: false })
  const answer = await ask('/ready')
  expect(answer.status).toBe(503)
  expect(await answer.text()).not.toContain('10.0.0.7')
  expect(await (await ask('/ready', BEARER)).text()).toContain('10.0.0.7')
})

test('metrics are Prometheus text: our figures and those of the process', async () => {
  const answer = await appWith()('/metrics')
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  const text = await answer.text()
  expect(text).toContain('# TYPE tidemark_things_total counter\ntidemark_things_total 3\n')
  expect(text).toMatch(/^process_resident_memory_bytes \d+/m)
})

test('metrics need the token where one is set, and are for this machine alone where none is', async () => {
  const ask = appWith({ httpToken: 'outer' })
  expect((await ask('/metrics')).status).toBe(401)
  expect((await ask('/metrics', BEARER)).status).toBe(200)
  expect((await appWith()('/metrics', { host: 'evil.example:8080' })).status).toBe(403)
})

test('figures that can not be had now are a 503 with the reason, not a 0', async () => {
  const answer = await appWith({ away: true })('/metrics')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({ code: 'ledger-unavailable' })
})
