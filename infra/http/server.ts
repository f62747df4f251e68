/** Runs a web app on an address, and ends it without cutting off a request in hand. */

import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { TidemarkError } from '../../services/core/errors.ts'

/** Any Hono app, or anything else that answers web requests. */
export interface WebApp {
  fetch(request: Request, env: HttpBindings): Response | Promise<Response>
}

export interface HttpServer {
  /** The one it got, where 0 was asked for. */
  readonly port: number
  /** Takes no new request, lets those in hand finish, and cuts off what is left after `graceMs` (4 s). Idempotent. */
  close(graceMs?: number): Promise<void>
}

export interface ServeOptions {
  readonly host: string
  readonly port: number
}

const GRACE_MS = 4_000
/** A sender that needs longer for one request is given up, so that slow ones can't hold every connection. */
const REQUEST_TIMEOUT_MS = 60_000
const HEADERS_TIMEOUT_MS = 20_000
const KEPT_MS = 65_000

/** Throws `address-unusable` with what to do when the address can't be had. */
export async function serveHttp(app: WebApp, { host, port }: ServeOptions): Promise<HttpServer> {
  const server = createAdaptorServer({
    fetch: (request, env) => app.fetch(request, env as HttpBindings),
    serverOptions: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEPT_MS,
    },
  }) as Server
  let closing: Promise<void> | undefined
  // Without this a kept connection would stay open after its last answer until the grace is over.
  server.prependListener('request', (_request, response) => {
    response.once('close', () => {
      if (closing !== undefined) server.closeIdleConnections()
    })
  })
  await listening(server, host, port)
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs = GRACE_MS) => {
      closing ??= ended(server, graceMs)
      return closing
    },
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(addressFault(error, host, port))
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

function ended(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function addressFault(error: NodeJS.ErrnoException, host: string, port: number): TidemarkError {
  const address = `${host}:${port}`
  const details: Readonly<Record<string, string>> = {
    EADDRINUSE: `${address} is taken by another process: stop that one, or choose another with HTTP_PORT`,
    EACCES: `${address} may not be used by this user: choose a port above 1023 with HTTP_PORT`,
    EADDRNOTAVAIL: `${host} is not an address of this machine: mend HTTP_HOST`,
    ENOTFOUND: `${host} is not a known name: mend HTTP_HOST`,
  }
  const detail = details[error.code ?? ''] ?? `${address}: ${error.message}`
  return new TidemarkError('address-unusable', detail, { host, port }, error)
}
