/** The fleet as server-sent events over a real connection: whole first, then changes; slow listeners cut off; ended with the server. */

import { connect } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { expect, onTestFinished, test } from 'vitest'
import { serveHttp, type WebApp } from '../../../infra/http/server.ts'
import { eventStream } from '../../../infra/http/status-events.ts'
import type { FeedEvent, FeedListener, FleetFeed } from '../../../services/status/fleet-feed.ts'
import { statusUnderTest } from './status-under-test.ts'

async function served(app: unknown) {
  const server = await serveHttp(app as WebApp, { host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close(0))
  return server
}

/** Reads on until what came holds `text`. */
async function until(reader: ReadableStreamDefaultReader<Uint8Array>, text: string): Promise<string> {
  let came = ''
  while (!came.includes(text)) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`ended before ${text}: ${came}`)
    came += Buffer.from(value).toString()
  }
  return came
}

/** A feed with one listener, told what a test says. */
function handFeed() {
  const state = { listener: undefined as FeedListener | undefined, left: 0 }
  const feed = {
    join: (listener: FeedListener) => {
      state.listener = listener
      return () => {
        state.left += 1
      }
    },
  }
  return { state, feed: feed as unknown as FleetFeed }
}

function changes(version: number, length = 10): FeedEvent {
  return { name: 'changes', version, json: JSON.stringify('x'.repeat(length)) }
}

test('tells the fleet once, then changes with their version as id, and a sign of life in between', async () => {
  const { app, fleet } = statusUnderTest()
  await fleet.hear('g1', { accepted: 10 })
  const { port } = await served(app)
  const answer = await fetch(`http://127.0.0.1:${port}/api/events`)
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  const first = await until(reader, '}\n\n')
  expect(first).toMatch(/^retry: \d+\n\nid: 1\nevent: fleet\ndata: \{.*"gateway":"g1".*\}\n\n$/)
  await fleet.hear('g1', { accepted: 11 })
  await fleet.clock.advance(1000)
  expect(await until(reader, '}\n\n')).toMatch(/^id: 2\nevent: changes\ndata: \{.*"accepted":11.*\}\n\n$/)
  await fleet.clock.advance(40_000)
  expect(await until(reader, ': alive\n\n')).toMatch(/\n\n: alive\n\n$/)
  await reader.cancel()
})

test('a browser that comes again with the last id gets the whole', async () => {
  const { app, fleet } = statusUnderTest()
  await fleet.hear('g1', { accepted: 10 })
  const { port } = await served(app)
  for (const headers of [{}, { 'last-event-id': '1' }]) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/events`, { headers: headers as Record<string, string> })
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
    expect(await until(reader, '}\n\n')).toContain('event: fleet')
    await reader.cancel()
  }
})

test('who goes is heard no more of, and nobody looks for nobody', async () => {
  const { app, fleet } = statusUnderTest()
  await fleet.hear('g1', { accepted: 10 })
  const { port } = await served(app)
  const gone = new AbortController()
  const answer = await fetch(`http://127.0.0.1:${port}/api/events`, { signal: gone.signal })
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  await until(reader, 'event: fleet')
  gone.abort()
  let asked = -1
  await fleet.clock.until('no look for nobody', async () => {
    const before = asked
    asked = fleet.state.asked
    await fleet.clock.advance(2000)
    return before === asked && fleet.state.asked === asked
  })
})

test('closing the feed ends the answers, so that the server ends at once', async () => {
  const { app, fleet, status } = statusUnderTest()
  await fleet.hear('g1', { accepted: 10 })
  const server = await served(app)
  const answer = await fetch(`http://127.0.0.1:${server.port}/api/events`)
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  await until(reader, 'event: fleet')
  const beganMs = performance.now()
  status.feed.close()
  await server.close(10_000)
  expect(performance.now() - beganMs).toBeLessThan(5000)
  expect((await reader.read()).done).toBe(true)
})

test('a listener that takes nothing is cut off once more than the bound waits for it', async () => {
  const { state, feed } = handFeed()
  const { port } = await served({
    fetch: (_: Request, { outgoing }: HttpBindings) => eventStream(feed, () => outgoing.destroy(), 1_000_000),
  })
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
  onTestFinished(() => void socket.destroy())
  await new Promise((resolve) => socket.once('data', resolve))
  socket.pause()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  let told = 0
  while (state.listener?.tell(changes(told, 100_000)) === true) {
    told += 1
    if (told > 1000) throw new Error('100 MB wait for a listener that takes nothing')
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(told).toBeGreaterThanOrEqual(10)
  socket.on('error', () => undefined).resume()
  await closed
  expect(state.left).toBe(1)
})

test('an event larger than the bound still comes whole, and its bytes are there once for all listeners', async () => {
  const [one, two] = [handFeed(), handFeed()]
  let cut = 0
  const readers = [one, two].map(({ feed }) => {
    const answer = eventStream(feed, () => (cut += 1), 1000)
    return (answer.body as ReadableStream<Uint8Array>).getReader()
  })
  const event = changes(1, 100_000)
  expect([one.state.listener?.tell(event), two.state.listener?.tell(event)]).toEqual([true, true])
  expect([one.state.listener?.tell(changes(2)), two.state.listener?.tell(changes(2)), cut]).toEqual([false, false, 2])
  for (const reader of readers) await reader.read()
  const [first, second] = await Promise.all(readers.map((reader) => reader.read()))
  expect(first?.value?.length).toBeGreaterThan(100_000)
  expect(first?.value).toBe(second?.value)
})
