/** An HTTP server that records what it is asked and answers as it is told: for what a real engine can't be made to do. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface Asked {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Unpacked. */
  readonly body: string
}

/** `hang`: no answer at all; `drop`: the connection is cut. */
export type Scripted =
  | 'hang'
  | 'drop'
  | {
      readonly status: number
      readonly body?: string | object
      readonly headers?: Readonly<Record<string, string>>
    }

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string
  readonly asked: readonly Asked[]
}

export async function scriptedServer(answer: (asked: Asked) => Scripted | Promise<Scripted>): Promise<ScriptedServer> {
  const asked: Asked[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const packed = Buffer.concat(chunks)
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(packed) : packed).toString()
    const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body }
    asked.push(one)
    const scripted = await answer(one)
    if (scripted === 'hang') return
    if (scripted === 'drop') {
      request.socket.destroy()
      return
    }
    const text = typeof scripted.body === 'object' ? JSON.stringify(scripted.body) : (scripted.body ?? '')
    response.writeHead(scripted.status, scripted.headers).end(text)
  }
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
