/** A bucket of its own for a test, on a real InfluxDB. */

import type { InfluxdbAccess } from '../../../infra/influxdb/client.ts'

export interface Bucket extends AsyncDisposable {
  readonly access: InfluxdbAccess
  /** Deletes everything in it. */
  wipe(): Promise<void>
  readOnlyToken(): Promise<string>
}

let count = 0

/** For ever when `retentionS` is 0. */
export async function newBucket(engine: InfluxdbAccess, retentionS = 0): Promise<Bucket> {
  const { url, token, org } = engine
  const bucket = `b${++count} of \${tests} &c.`
  const api = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const { orgs } = (await api('GET', `/api/v2/orgs?org=${org}`)) as { orgs: [{ id: string }] }
  const rules = retentionS === 0 ? [] : [{ type: 'expire', everySeconds: retentionS }]
  const made = await api('POST', '/api/v2/buckets', { orgID: orgs[0].id, name: bucket, retentionRules: rules })
  const { id } = made as { readonly id: string }
  const range = { start: '1677-09-21T00:12:44Z', stop: '2262-04-11T23:47:16Z' }
  return {
    access: { url, token, org, bucket },
    wipe: async () => void (await api('POST', `/api/v2/delete?org=${org}&bucketID=${id}`, range)),
    readOnlyToken: async () => {
      const permissions = [{ action: 'read', resource: { type: 'buckets', id } }]
      const made = await api('POST', '/api/v2/authorizations', { orgID: orgs[0].id, permissions })
      return (made as { readonly token: string }).token
    },
    [Symbol.asyncDispose]: async () => void (await api('DELETE', `/api/v2/buckets/${id}`)),
  }
}
