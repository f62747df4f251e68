/** The HTTP door of gateways: routes, tokens and bodies around the pure handlers of `services/gateway`. */

import { hash } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Logger } from 'pino'
import type { MessageTypes } from '../../schemas/message-type.ts'
import {
  type Answer,
  type Dialect,
  type Failure,
  failureAnswer,
  jsonAnswer,
} from '../../services/gateway/door-answers.ts'
import type { Door } from '../../services/gateway/door-requests.ts'
import { type Body, readBody } from './body.ts'
import { doorGuard } from './door-guard.ts'

export interface GatewayDoorOptions {
  /** `id` is what `?gateway=` says, undefined for the default one. Undefined when this process has no such gateway. */
  gatewayFor(id: string | undefined): Promise<Door | undefined>
  readonly types: MessageTypes
  readonly undeclared: 'accept' | 'refuse'
  readonly logger: Logger
  /** Without one everybody who reaches the address may write. */
  readonly token?: string
  /** 10 MB when absent, and after decompression. */
  readonly maxBodyBytes?: number
  /** Bodies in hand at one time, sixteen of the largest when absent; past it a request is asked to come again. */
  readonly maxBytesInHand?: number
}

type DoorContext = Context<{ Bindings: HttpBindings }>
type TextBody = Extract<Body, { readonly ok: true }>

const MAX_BODY_BYTES = 10_000_000
/** Clients of InfluxDB ask for it to choose their protocol. */
const INFLUXDB_VERSION = '2.7.0-tidemark'
const BUSY: Failure = {
  status: 503,
  code: 'busy',
  reason: 'too many bodies are being read at once: send this one again in a moment',
  retryAfterS: 1,
}

export function gatewayDoor(options: GatewayDoorOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const guard = doorGuard(options.token)
  const withBody = bodyReader(options)

  /** Guard, gateway, handler; whatever is thrown on the way becomes an answer. */
  const route = (dialect: Dialect, handle: (door: Door, context: DoorContext) => Promise<Answer> | Answer) => {
    return async (context: DoorContext): Promise<Response> => {
      const refused = guard(context.env.incoming.headers)
      if (refused !== undefined) return respond(failureAnswer(refused, dialect))
      const id = context.req.query('gateway')
      const door = await options.gatewayFor(id)
      if (door === undefined) return respond(failureAnswer(unknownGateway(id), dialect))
      return respond(await handle(door, context))
    }
  }

  const write = route('influxdb', (door, context) =>
    withBody(context, 'influxdb', ({ text }) => door.write({ text, precision: context.req.query('precision') })),
  )
  app.post('/api/v2/write', write)
  app.post('/write', write)
  app.post(
    '/readings',
    route('tidemark', (door, context) =>
      withBody(context, 'tidemark', ({ text, bytes }) => {
        const { 'content-type': contentType = '', 'idempotency-key': key } = context.env.incoming.headers
        if (typeof key !== 'string') return door.readings({ text, contentType })
        return door.readings({ text, contentType, idempotency: { key, fingerprint: hash('sha256', bytes, 'hex') } })
      }),
    ),
  )
  app.get(
    '/journal',
    route('tidemark', (door) => door.usage()),
  )
  app.get(
    '/types',
    route('tidemark', () => typesAnswer(options)),
  )
  app.get('/ping', () => new Response(null, { status: 204, headers: { 'X-Influxdb-Version': INFLUXDB_VERSION } }))
  app.get('/health', async () => {
    const door = await options.gatewayFor(undefined)
    return respond(door === undefined ? failureAnswer(unknownGateway(undefined), 'tidemark') : door.health())
  })
  app.onError((error) => {
    options.logger.error({ err: error }, 'a door failed')
    return respond(
      failureAnswer({ status: 500, code: 'bug', reason: 'the gateway failed inside; its log says how' }, 'tidemark'),
    )
  })
  return app
}

/** Reads bodies within a budget for all requests together. */
function bodyReader({ maxBodyBytes = MAX_BODY_BYTES, maxBytesInHand = 16 * maxBodyBytes }: GatewayDoorOptions) {
  let inHand = 0
  return async (
    { env: { incoming } }: DoorContext,
    dialect: Dialect,
    handle: (body: TextBody) => Promise<Answer>,
  ): Promise<Answer> => {
    const length = incoming.headers['content-encoding'] === undefined ? incoming.headers['content-length'] : undefined
    const reserved = Math.min(length === undefined ? maxBodyBytes : Number(length), maxBodyBytes)
    if (inHand > 0 && inHand + reserved > maxBytesInHand) return closing(failureAnswer(BUSY, dialect))
    inHand += reserved
    try {
      const body = await readBody(incoming, maxBodyBytes)
      if (body.ok) return await handle(body)
      const answer = failureAnswer(body, dialect)
      return body.unread ? closing(answer) : answer
    } finally {
      inHand -= reserved
    }
  }
}

function closing(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, Connection: 'close' } }
}

function unknownGateway(id: string | undefined): Failure {
  const which = id === undefined ? 'the default gateway' : `gateway ${JSON.stringify(id.slice(0, 130))}`
  return { status: 404, code: 'gateway-unknown', reason: `this process has not opened ${which}` }
}

/** What an importer needs to know before it sends: fields and their kinds. */
function typesAnswer({ types, undeclared }: GatewayDoorOptions): Answer {
  const declared = [...types.values()].map(({ name, doc, fields }) => ({ name, doc, fields }))
  return jsonAnswer(200, { undeclared, types: declared })
}

function respond({ status, headers, body }: Answer): Response {
  return new Response(body === '' ? null : body, { status, headers })
}
