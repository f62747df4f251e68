/** Ports of this machine: takes free ones, and asks whether something answers there. */

import { connect, createServer } from 'node:net'
import { TidemarkError } from '../../services/core/errors.ts'

/** Below the range from which systems take the ports of outgoing connections, so that an engine finds its port free when it is started again. */
const FIRST_PORT = 20_000
const PORTS = 12_000
const TRIES = 100

/** Free at this moment on 127.0.0.1. */
export async function freePort(): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    if (await canListen(port)) return port
  }
  throw new TidemarkError('engine-failed', `expected a free port from ${FIRST_PORT} on, came none in ${TRIES} tries`)
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Whether a connection to it is taken now. */
export function isListening(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Whether a GET is answered with 2xx now. */
export async function answersHttp(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]) })
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false
  }
}
