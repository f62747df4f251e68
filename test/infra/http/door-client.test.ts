/** The real client against the real door: one kept connection, statuses as replies, absence as an error worth another try. */

import { afterEach, describe, expect, it } from 'vitest'
import { httpDoorClient } from '../../../infra/http/door-client.ts'
import { gatewayDoor } from '../../../infra/http/gateway-door.ts'
import { type HttpServer, serveHttp } from '../../../infra/http/server.ts'
import { runGenerate } from '../../../services/commands/generate.ts'
import { SILENT, TEST_TYPES, testDoor } from '../../support/door.ts'
import { sendContext } from '../../support/send-context.ts'

const signal = new AbortController().signal
const servers: HttpServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)))
})

async function servedDoor() {
  const { door, journal } = testDoor()
  const ports = new Set<number | undefined>()
  const app = gatewayDoor({
    gatewayFor: async () => door,
    types: TEST_TYPES,
    undeclared: 'accept',
    logger: SILENT,
    token: 'sesame',
  })
  const server = await serveHttp(
    {
      fetch: (request, env) => {
        ports.add(env.incoming.socket.remotePort)
        return app.fetch(request, env)
      },
    },
    { host: '127.0.0.1', port: 0 },
  )
  servers.push(server)
  return { url: `http://127.0.0.1:${server.port}`, journal, ports }
}

describe('the client of a door', () => {
  it('sends everything over one kept connection, with its token', async () => {
    const { url, journal, ports } = await servedDoor()
    await using client = httpDoorClient(url, 'sesame')
    const context = { ...sendContext(), openDoor: () => client }
    expect(await runGenerate(context, { url, count: 5_000 })).toBe(0)
    expect(journal.taken).toHaveLength(5_000)
    expect(ports.size).toBe(1)
  })

  it('hands on any status as a reply', async () => {
    const { url } = await servedDoor()
    await using client = httpDoorClient(`${url}/`)
    const reply = await client.post({ path: '/readings', contentType: 'application/json', body: '[]' }, signal)
    expect([reply.status, reply.headers['www-authenticate']]).toEqual([401, expect.stringContaining('Bearer')])
  })

  it('says that nothing answers, in a way that is worth another try', async () => {
    const { url } = await servedDoor()
    await servers.splice(0)[0]?.close(0)
    await using client = httpDoorClient(url)
    await expect(client.get('/types', signal)).rejects.toMatchObject({ code: 'door-unavailable', retryable: true })
  })

  it('stops waiting when it is told to', async () => {
    const silent = await serveHttp(
      { fetch: () => new Promise<Response>(() => undefined) },
      { host: '127.0.0.1', port: 0 },
    )
    servers.push(silent)
    await using client = httpDoorClient(`http://127.0.0.1:${silent.port}`)
    const stop = new AbortController()
    const reply = client.get('/types', stop.signal)
    stop.abort(new TypeError('enough'))
    await expect(reply).rejects.toThrow('enough')
  })

  it('keeps the process alive until it is disposed', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const client = httpDoorClient('http://127.0.0.1:1')
    expect(timers()).toBe(before + 1)
    await client[Symbol.asyncDispose]()
    expect(timers()).toBe(before)
  })

  it('takes http and https URLs only', () => {
    expect(() => httpDoorClient('127.0.0.1:8080')).toThrow(/http:\/\//)
    expect(() => httpDoorClient('ftp://x')).toThrow(/http:\/\//)
  })
})
