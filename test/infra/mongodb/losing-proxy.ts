/** A TCP server before a MongoDB server that can lose the answer to an insert: it was done, and nobody hears of it. */

import { cuttableProxy } from '../../support/cuttable-proxy.ts'

export interface LosingProxy extends AsyncDisposable {
  /** The server's URL, through the proxy. */
  readonly url: string
  /** Ends the connection of the next insert into the collection in place of its answer. */
  loseNextAnswer(): void
  readonly lost: number
}

export async function losingProxy(serverUrl: string, collection: string): Promise<LosingProxy> {
  const target = new URL(serverUrl)
  const proxy = await cuttableProxy()
  proxy.forwardTo(Number(target.port))
  return {
    url: serverUrl.replace(`:${target.port}`, `:${proxy.port}`),
    loseNextAnswer: () => proxy.loseAnswerTo(insertInto(collection)),
    get lost() {
      return proxy.lost
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  }
}

/** How the command begins on the wire. */
export function insertInto(collection: string): Buffer {
  return Buffer.from(`insert\0${String.fromCharCode(collection.length + 1)}\0\0\0${collection}\0`, 'latin1')
}
