/** A TCP server before a MongoDB server that can lose the answer to an insert: it was done, and nobody hears of it. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface LosingProxy extends AsyncDisposable {
  /** The server's URL, through the proxy. */
  readonly url: string
  /** Ends the connection of the next insert into the collection in place of its answer. */
  loseNextAnswer(): void
  readonly lost: number
}

export async function losingProxy(serverUrl: string, collection: string): Promise<LosingProxy> {
  const insert = Buffer.from(`insert\0${String.fromCharCode(collection.length + 1)}\0\0\0${collection}\0`, 'latin1')
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  let isLosing = false
  let lost = 0
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let isDoomed = false
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
      if (isLosing && bytes.includes(insert)) {
        isLosing = false
        isDoomed = true
      }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (isDoomed) {
        lost += 1
        client.destroy()
      } else client.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: serverUrl.replace(`:${target.port}`, `:${port}`),
    loseNextAnswer: () => {
      isLosing = true
    },
    get lost() {
      return lost
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
