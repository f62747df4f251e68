/** The server ends cleanly: what is in hand gets its answer, idle connections don't hold it up, and a taken port is said. */

import { Agent, get, type IncomingMessage } from 'node:http'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { serveHttp } from '../../../infra/http/server.ts'

const ADDRESS = { host: '127.0.0.1', port: 0 }

function answer(port: number, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent }, (incoming) => {
      incoming.resume()
      incoming.once('end', () => resolve(incoming))
    }).once('error', reject)
  })
}

/** An app whose answers wait for `release`. */
function waitingApp(): { readonly app: Hono; readonly begun: Promise<void>; release(): void } {
  const begun = resolvers()
  const released = resolvers()
  const app = new Hono()
  app.get('/', async (context) => {
    begun.resolve()
    await released.promise
    return context.text('done')
  })
  return { app, begun: begun.promise, release: released.resolve }
}

function resolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

describe('a server', () => {
  it('closes at once although connections are kept', async () => {
    const server = await serveHttp(
      new Hono().get('/', (context) => context.text('x')),
      ADDRESS,
    )
    const agent = new Agent({ keepAlive: true })
    await answer(server.port, agent)
    const startedMs = performance.now()
    await server.close(10_000)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    agent.destroy()
  })

  it('lets the request in hand finish, then closes its kept connection too', async () => {
    const { app, begun, release } = waitingApp()
    const server = await serveHttp(app, ADDRESS)
    const agent = new Agent({ keepAlive: true })
    const answered = answer(server.port, agent)
    await begun
    const startedMs = performance.now()
    const closed = server.close(10_000)
    release()
    expect((await answered).statusCode).toBe(200)
    await closed
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    agent.destroy()
  })

  it('cuts off what has not finished when the grace is over', async () => {
    const { app, begun } = waitingApp()
    const server = await serveHttp(app, ADDRESS)
    const answered = answer(server.port, new Agent()).catch((error: Error) => error)
    await begun
    await server.close(50)
    expect(await answered).toBeInstanceOf(Error)
  })

  it('closes twice as once', async () => {
    const server = await serveHttp(new Hono(), ADDRESS)
    await Promise.all([server.close(), server.close()])
  })

  it('says that a port is taken, and what to do', async () => {
    const server = await serveHttp(new Hono(), ADDRESS)
    await expect(serveHttp(new Hono(), { host: '127.0.0.1', port: server.port })).rejects.toMatchObject({
      code: 'address-unusable',
      message: expect.stringContaining('HTTP_PORT'),
    })
    await server.close()
  })
})
