/** Commands across processes, over real HTTP: output in order, exit codes, Ctrl-C, slow readers, the wrong token. */

import { afterEach, describe, expect, test } from 'vitest'
import { type CommandChannelOptions, commandChannel } from '../../../infra/http/command-channel.ts'
import { askRunning } from '../../../infra/http/command-client.ts'
import { type HttpServer, serveHttp } from '../../../infra/http/server.ts'

const TOKEN = 'a token'
const REQUEST = { argv: ['proof', '--json'], terminal: false, files: {} }
const servers: HttpServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0)
})

async function channel(run: CommandChannelOptions['run'], more: Partial<CommandChannelOptions> = {}) {
  const server = await serveHttp(commandChannel({ token: TOKEN, run, ...more }), { host: '127.0.0.1', port: 0 })
  servers.push(server)
  return { host: '127.0.0.1', port: server.port, token: TOKEN }
}

function terminal(signal = new AbortController().signal) {
  const said = { out: '', note: '' }
  return {
    said,
    signal,
    out: async (text: string) => {
      said.out += text
    },
    note: (text: string) => {
      said.note += text
    },
  }
}

/** A promise with its ends in hand. */
function pending<T>() {
  let settle: (value: T) => void = () => undefined
  const promise = new Promise<T>((resolve) => {
    settle = resolve
  })
  return { promise, settle }
}

describe('a command over HTTP', () => {
  test('arrives with its words, says what it says in order, and gives its exit code', async () => {
    const came: unknown[] = []
    const address = await channel(async (request, { out, note }) => {
      came.push(request)
      await out('one\n')
      note('remark\n')
      await out('two ä \u2028\n')
      return 3
    })
    const at = terminal()
    const request = { ...REQUEST, columns: 80, files: { 'a.avsc': '{}' } }
    expect(await askRunning(address, request, at)).toBe(3)
    expect(at.said).toEqual({ out: 'one\ntwo ä \u2028\n', note: 'remark\n' })
    expect(came).toEqual([request])
  })

  test('much output comes through whole', async () => {
    const texts = Array.from({ length: 200 }, (_, i) => `${i} ${'x'.repeat(20_000)}\n`)
    const address = await channel(async (_, { out }) => {
      for (const text of texts) await out(text)
      return 0
    })
    const at = terminal()
    expect(await askRunning(address, REQUEST, at)).toBe(0)
    expect(at.said.out).toBe(texts.join(''))
  })

  test('Ctrl-C ends it there too', async () => {
    const started = pending<void>()
    const ended = pending<string>()
    const address = await channel(async (_, { signal }) => {
      signal.addEventListener('abort', () => ended.settle('aborted'))
      started.settle()
      await ended.promise
      return 0
    })
    const stop = new AbortController()
    const asked = askRunning(address, REQUEST, terminal(stop.signal))
    await started.promise
    stop.abort(new TypeError('Ctrl-C'))
    await expect(asked).rejects.toThrow('Ctrl-C')
    expect(await ended.promise).toBe('aborted')
  })

  test('a silent command shows that it lives, and nobody sees it', async () => {
    const beats = pending<void>()
    const address = await channel(
      async () => {
        await beats.promise
        return 0
      },
      { aliveMs: 5 },
    )
    const response = await fetch(`http://127.0.0.1:${address.port}/api/command`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify(REQUEST),
    })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toMatch(/^{"alive":true}\n/)
    await reader?.cancel()
    const at = terminal()
    const asked = askRunning(address, REQUEST, at)
    beats.settle()
    expect(await asked).toBe(0)
    expect(at.said).toEqual({ out: '', note: '' })
  })

  test('a throw there is a failure here, in words', async () => {
    const address = await channel(() => Promise.reject(new TypeError('broken')))
    const at = terminal()
    expect(await askRunning(address, REQUEST, at)).toBe(1)
    expect(at.said.note).toBe('error: broken\n')
  })

  test.each(['', 'another token'])("the token '%s' is refused and nothing runs", async (token) => {
    let ran = false
    const address = await channel(async () => {
      ran = true
      return 0
    })
    await expect(askRunning({ ...address, token }, REQUEST, terminal())).rejects.toThrow('401')
    expect(ran).toBe(false)
  })

  test.each(['', '{}', '{"argv":"proof"}', '[1]'])('a body that is no command is refused: %s', async (body) => {
    const address = await channel(async () => 0)
    const response = await fetch(`http://127.0.0.1:${address.port}/api/command`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}` },
      body,
    })
    expect(response.status).toBe(400)
  })

  test('where nobody answers it says so', async () => {
    const address = await channel(async () => 0)
    await servers[0]?.close(0)
    await expect(askRunning(address, REQUEST, terminal())).rejects.toMatchObject({ code: 'not-running' })
  })

  test('a process that ends before its command is not taken for success', async () => {
    const address = await channel(async (_, { out }) => {
      await out('begun\n')
      await servers[0]?.close(0)
      return await new Promise(() => undefined)
    })
    const at = terminal()
    await expect(askRunning(address, REQUEST, at)).rejects.toMatchObject({ code: 'not-running' })
    expect(at.said.out).toBe('begun\n')
  })

  test('what goes wrong in the terminal is not blamed on the process', async () => {
    const address = await channel(async (_, { out }) => {
      await out('x')
      return 0
    })
    const at = { ...terminal(), out: () => Promise.reject(new TypeError('EPIPE')) }
    await expect(askRunning(address, REQUEST, at)).rejects.toThrow('EPIPE')
  })
})
