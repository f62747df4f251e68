/** A TCP proxy before a server of this machine whose link can be cut: what is open breaks, and nothing new gets through until it is restored. */

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
}

const HOST = '127.0.0.1'

export async function cuttableProxy(): Promise<CuttableProxy> {
  const sockets = new Set<Socket>()
  let target: number | undefined
  let isCut = false
  let sent = 0
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
    client.on('data', (bytes) => {
      sent += bytes.length
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
    [Symbol.asyncDispose]: async () => {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
}
