/** A TCP proxy before a server of this machine: its link can be cut, when what is open breaks and nothing new gets through, and it can lose an answer. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface CuttableProxy extends AsyncDisposable {
  readonly port: number
  /** Where connections go from now on. */
  forwardTo(port: number): void
  cut(): void
  restore(): void
  /** Bytes that came through towards the server. */
  readonly sent: number
  /** Bytes that came back from it. */
  readonly received: number
  /** The next request with these bytes is carried out; in place of its answer the client's connection ends. */
  loseAnswerTo(request: Buffer): void
  /** Answers lost so far. */
  readonly lost: number
}

const HOST = '127.0.0.1'

export async function cuttableProxy(): Promise<CuttableProxy> {
  const sockets = new Set<Socket>()
  let target: number | undefined
  let isCut = false
  let sent = 0
  let received = 0
  let losing: Buffer | undefined
  let lost = 0
  const server = createServer((client) => {
    if (isCut || target === undefined) return void client.destroy()
    const upstream = connect(target, HOST)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
        sockets.delete(socket)
      })
    }
    let isDoomed = false
    client.on('data', (bytes) => {
      sent += bytes.length
      if (losing === undefined || !bytes.includes(losing)) return
      losing = undefined
      isDoomed = true
    })
    // Before the pipe hears of it: then nothing of the answer gets through.
    upstream.on('data', (bytes) => {
      received += bytes.length
      if (!isDoomed) return
      isDoomed = false
      lost += 1
      client.destroy()
    })
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    forwardTo: (port) => {
      target = port
    },
    cut: () => {
      isCut = true
      breakAll()
    },
    restore: () => {
      isCut = false
    },
    get sent() {
      return sent
    },
    get received() {
      return received
    },
    loseAnswerTo: (request) => {
      losing = request
    },
    get lost() {
      return lost
    },
    [Symbol.asyncDispose]: async () => {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
}
