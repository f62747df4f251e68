/** The page's app over a small fleet, with everything that it hands on told. */

import { type StatusOptions, statusApp } from '../../../infra/http/status-app.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import type { PageAction } from '../../../services/status/page-api.ts'
import { Status, type StatusSources } from '../../../services/status/status.ts'
import { smallFleet } from '../../services/status/small-fleet.ts'

export interface Given {
  readonly httpToken?: string
  readonly act?: StatusOptions['act']
  readonly sources?: Partial<StatusSources>
}

export const MINE = { authorization: 'Bearer page-secret' }

export function statusUnderTest({ httpToken, act, sources = {} }: Given = {}) {
  const fleet = smallFleet()
  const acted: PageAction[] = []
  const noLog = async (): Promise<never> => {
    throw new TidemarkError('log-unavailable', 'this process has none')
  }
  const status = new Status({
    ...fleet.sources,
    stores: [],
    alerts: async () => [],
    recordings: async () => [],
    mirror: async () => ({ told_at: null, runs: false, ends: [], buckets: [] }),
    log: noLog,
    quarantined: async function* () {},
    signal: new AbortController().signal,
    ...sources,
  })
  const app = statusApp({
    httpToken,
    pageToken: 'page-secret',
    status,
    proof: async (gateway) => {
      if (gateway === 'nobody') throw new TidemarkError('usage-wrong', 'no such gateway')
      await fleet.ledger.versions()
      return { as_of: 'now', state: 'complete', gateways: [] }
    },
    act: async (action) => {
      acted.push(action)
      return act === undefined ? { ok: true, text: 'done' } : act(action)
    },
  })
  const ask = async (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    app.request(path, { ...init, headers }, { incoming: { headers } })
  const post = (path: string, body: unknown, headers: Record<string, string> = MINE) =>
    ask(path, headers, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })
  return { fleet, status, app, ask, post, acted }
}
