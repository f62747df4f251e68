/** The door over real HTTP: limits, tokens, gzip, other sites, and clients that break off. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type GatewayDoorOptions, gatewayDoor } from '../../../infra/http/gateway-door.ts'
import { type HttpServer, serveHttp } from '../../../infra/http/server.ts'
import { SILENT, TEST_TYPES, type TestDoor, testDoor } from '../../support/door.ts'

const reading = { type: 'probe', sensor: 's1', time: '2024-05-01T00:00:00Z', values: { level: 1 } }
const BODY = JSON.stringify([reading])

interface Served extends TestDoor {
  readonly url: string
  readonly server: HttpServer
  post(path: string, body: string | Uint8Array, headers?: Record<string, string>): Promise<Response>
}

const servers: HttpServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)))
})

async function served(options: Partial<GatewayDoorOptions> = {}): Promise<Served> {
  const test = testDoor()
  const gatewayFor = async (id: string | undefined) => (id === undefined || id === 'local' ? test.door : undefined)
  const app = gatewayDoor({ gatewayFor, types: TEST_TYPES, undeclared: 'accept', logger: SILENT, ...options })
  const server = await serveHttp(app, { host: '127.0.0.1', port: 0 })
  servers.push(server)
  const url = `http://127.0.0.1:${server.port}`
  const post: Served['post'] = (path, body, headers = {}) =>
    fetch(url + path, {
      method: 'POST',
      body: body as string,
      headers: { 'Content-Type': 'application/json', ...headers },
    })
  return { ...test, url, server, post }
}

describe('the HTTP door', () => {
  it('takes readings and answers with what became of them', async () => {
    const { post, journal } = await served()
    const response = await post('/readings?gateway=local', BODY)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toEqual({ accepted: 1, duplicates: 0, rejected: [] })
    expect(journal.taken).toHaveLength(1)
  })

  it('takes gzip on both write paths, and answers 204', async () => {
    const { post, journal } = await served()
    const line = gzipSync('probe,sensor=s1 level=1,raw=2i 1700000000')
    const headers = { 'Content-Encoding': 'gzip', 'Content-Type': 'text/plain' }
    expect((await post('/api/v2/write?bucket=b&org=o&precision=s', line, headers)).status).toBe(204)
    expect((await post('/write?db=d&precision=s', gzipSync('probe level=2 1'), headers)).status).toBe(204)
    expect(journal.taken.map(({ time }) => time?.ms)).toEqual([1_700_000_000_000, 1_000])
  })

  it('answers a body past the limit with 413, declared, streamed or unpacked', async () => {
    const { post, url } = await served({ maxBodyBytes: 100_000 })
    expect((await post('/readings', 'x'.repeat(100_001))).status).toBe(413)
    const stream = new ReadableStream({
      start: (controller) => {
        for (let i = 0; i < 20; i++) controller.enqueue(new Uint8Array(10_000).fill(32))
        controller.close()
      },
    })
    const streamed = await fetch(`${url}/readings`, { method: 'POST', body: stream, duplex: 'half' } as RequestInit)
    expect(streamed.status).toBe(413)
    const influx = await post('/api/v2/write', 'x'.repeat(100_001))
    expect([influx.status, ((await influx.json()) as { code: string }).code]).toEqual([413, 'request too large'])
  })

  it('stops unpacking a bomb at the limit', async () => {
    const { post } = await served({ maxBodyBytes: 1_000_000 })
    const bomb = Buffer.concat(new Array(50).fill(gzipSync(new Uint8Array(10_000_000), { level: 9 })))
    const before = process.memoryUsage.rss()
    const response = await post('/readings', bomb, { 'Content-Encoding': 'gzip' })
    expect(response.status).toBe(413)
    expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000)
  })

  it('answers what is not gzip, not UTF-8 or in another encoding', async () => {
    const { post } = await served()
    expect((await post('/readings', 'plain', { 'Content-Encoding': 'gzip' })).status).toBe(400)
    expect((await post('/readings', gzipSync(BODY).subarray(0, 30), { 'Content-Encoding': 'gzip' })).status).toBe(400)
    expect((await post('/readings', BODY, { 'Content-Encoding': 'br' })).status).toBe(415)
    const latin1 = await post('/readings', Buffer.from('["\xe9"]', 'latin1'))
    expect([latin1.status, ((await latin1.json()) as { code: string }).code]).toEqual([400, 'body-not-utf8'])
  })

  it('honours Idempotency-Key by the bytes of the body', async () => {
    const { post } = await served()
    const untimed = JSON.stringify([{ ...reading, time: undefined }])
    const key = { 'Idempotency-Key': 'k1' }
    const first = await (await post('/readings', untimed, key)).text()
    expect(await (await post('/readings', untimed, key)).text()).toBe(first)
    expect((await post('/readings', `${untimed} `, key)).status).toBe(422)
  })

  it('answers an unknown gateway with 404', async () => {
    const { post } = await served()
    expect((await post('/readings?gateway=elsewhere', BODY)).status).toBe(404)
    expect((await post('/write?gateway=elsewhere', 'probe level=1')).status).toBe(404)
  })

  it('wants its token in any of the forms clients send, and only that', async () => {
    const { post, url } = await served({ token: 'sesame' })
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
    const statusWith = async (authorization: string) =>
      (await post('/readings', BODY, { Authorization: authorization })).status
    for (const right of ['Bearer sesame', 'bearer sesame', 'Token sesame', basic('user:sesame')]) {
      expect(await statusWith(right)).toBe(200)
    }
    for (const wrong of ['Bearer sesam', 'Bearer sesame!', 'Token', 'sesame', basic('user:other')]) {
      expect(await statusWith(wrong)).toBe(401)
    }
    const without = await post('/api/v2/write', 'probe level=1')
    expect([without.status, ((await without.json()) as { code: string }).code]).toEqual([401, 'unauthorized'])
    expect((await fetch(`${url}/journal`)).status).toBe(401)
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  it('lets no page of another site post to a door without a token', async () => {
    const { post, url } = await served()
    const from = async (origin: string) => (await post('/readings', BODY, { Origin: origin })).status
    expect(await from('https://evil.example')).toBe(403)
    expect(await from('null')).toBe(403)
    expect(await from('http://127.0.0.1:1')).toBe(403)
    expect(await from(url)).toBe(200)
  })

  it('tells clients of InfluxDB what it is', async () => {
    const { url } = await served()
    const ping = await fetch(`${url}/ping`)
    expect([ping.status, ping.headers.get('x-influxdb-version')]).toEqual([204, expect.stringMatching(/^2\./)])
    expect((await fetch(`${url}/ping`, { method: 'HEAD' })).status).toBe(204)
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'pass' })
  })

  it('shows the backlog and the declared types', async () => {
    const { post, url } = await served()
    await post('/readings', BODY)
    expect(await (await fetch(`${url}/journal`)).json()).toMatchObject({ gateway: 'local', readings: 1 })
    const types = (await (await fetch(`${url}/types`)).json()) as { types: { name: string }[] }
    expect(types.types.map(({ name }) => name)).toEqual([...TEST_TYPES.keys()])
  })

  it('takes nothing of a body that breaks off, and goes on', async () => {
    const { server, post, journal } = await served()
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(`POST /readings HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length + 1}\r\n\r\n${BODY}`)
    socket.destroy()
    await once(socket, 'close')
    expect((await post('/readings', JSON.stringify([{ ...reading, sensor: 's2' }]))).status).toBe(200)
    expect(journal.taken.map(({ sensor }) => sensor)).toEqual(['s2'])
  })

  it('asks a sender to come again while too many bodies are being read', async () => {
    const { server, post } = await served({ maxBodyBytes: 1_000_000, maxBytesInHand: 1_000_000 })
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('POST /readings HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 900000\r\n\r\n')
    await once(socket, 'data')
    const response = await post('/readings', `${BODY}${' '.repeat(200_000)}`)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    socket.destroy()
    await expect.poll(async () => (await post('/readings', `${BODY}${' '.repeat(200_000)}`)).status).toBe(200)
  })

  it('answers a failure of the house with 500', async () => {
    const { post } = await served({ gatewayFor: () => Promise.reject(new TypeError('secret')) })
    const response = await post('/readings', BODY)
    expect([response.status, (await response.text()).includes('secret')]).toEqual([500, false])
  })
})
