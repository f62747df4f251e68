/** InfluxDB by bare HTTP, for judging a mirror: shares nothing with the code that mirrors. */

import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { InfluxdbEngine } from '../../../infra/influxdb/launcher.ts'
import { contentByFlux, differences } from './raw-flux.ts'

export type Server = Pick<InfluxdbEngine, 'url' | 'token' | 'org'>

const LINES_AT_ONCE = 20_000

export async function makeBucket(server: Server, name: string, keepsS = 0): Promise<void> {
  const { orgs } = (await asked(server, `/api/v2/orgs?org=${server.org}`)) as { orgs: readonly { id: string }[] }
  const body = JSON.stringify({ orgID: orgs[0]?.id, name, retentionRules: [{ type: 'expire', everySeconds: keepsS }] })
  await asked(server, '/api/v2/buckets', body)
}

/** Tells how many bytes the lines had. */
export async function writeLines(server: Server, bucket: string, lines: Iterable<string>): Promise<number> {
  let bytes = 0
  let held: string[] = []
  const send = async (): Promise<void> => {
    const query = new URLSearchParams({ org: server.org, bucket, precision: 'ns' })
    const body = held.join('\n')
    if (body !== '') await asked(server, `/api/v2/write?${query}`, body)
    bytes += Buffer.byteLength(body)
    held = []
  }
  for (const line of lines) {
    held.push(line)
    if (held.length >= LINES_AT_ONCE) await send()
  }
  await send()
  return bytes
}

/** Of every measurement its types, and of its rows, in whichever order, how many there are and a digest. */
async function contentOf(server: Server, bucket: string): Promise<Readonly<Record<string, unknown>>> {
  const types = await influxql(server, bucket, 'SHOW FIELD KEYS')
  const names = [
    ...new Set(
      types
        .split('\n')
        .slice(1)
        .map((line) => line.split(',,')[0] ?? ''),
    ),
  ].filter((name) => name !== '')
  const content: Record<string, unknown> = { types: types.split('\n').sort() }
  for (const name of names) {
    const plain = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
    const rows = await influxql(server, bucket, `SELECT *::field FROM "${plain.replace(/["\\]/g, '\\$&')}" GROUP BY *`)
    const lines = rows.split('\n').sort()
    content[plain] = [lines.length, createHash('sha256').update(lines.join('\n')).digest('hex')]
  }
  return content
}

/** By both query languages: neither sees everything. */
export async function expectEqual(a: Server, b: Server, buckets: readonly string[]): Promise<void> {
  for (const bucket of buckets) {
    expect([bucket, await contentOf(b, bucket)]).toEqual([bucket, await contentOf(a, bucket)])
    const [ours, theirs] = [await contentByFlux(a, bucket), await contentByFlux(b, bucket)]
    expect([bucket, differences(ours, theirs).slice(0, 10)]).toEqual([bucket, []])
    expect(ours.size).toBeGreaterThan(0)
  }
}

/** How many points of a field there are. */
export async function countOf(server: Server, bucket: string, measurement: string, field: string): Promise<number> {
  const text = await influxql(server, bucket, `SELECT count("${field}") FROM "${measurement}"`)
  return Number(/,(\d+)\n?$/.exec(text)?.[1] ?? 0)
}

async function influxql({ url, token }: Server, db: string, q: string): Promise<string> {
  const query = new URLSearchParams({ db, rp: 'autogen', q, epoch: 'ns' })
  const headers = { authorization: `Token ${token}`, accept: 'application/csv' }
  const answer = await fetch(`${url}/query?${query}`, { headers })
  const text = await answer.text()
  expect([answer.status, text.includes('"error"')]).toEqual([200, false])
  return text
}

async function asked({ url, token }: Server, path: string, body?: string): Promise<unknown> {
  const headers = { authorization: `Token ${token}` }
  const answer = await fetch(url + path, body === undefined ? { headers } : { method: 'POST', headers, body })
  const text = await answer.text()
  expect([path, answer.ok, answer.ok ? '' : text]).toEqual([path, true, ''])
  return text === '' ? undefined : JSON.parse(text)
}
