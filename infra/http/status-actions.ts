/** What the page changes: each POST is one command of the command line, and answers what that says. */

import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import type { Done, PageAction } from '../../services/status/page-api.ts'
import { refusalOf } from './status-answers.ts'

export interface ActionOptions {
  hosts(gateway: string): boolean
  /** Throws a `TidemarkError` where nothing could be done; `ok` false where the command said no. */
  act(action: PageAction): Promise<{ readonly ok: boolean; readonly text: string }>
}

/** Room for a write-off of some ten thousand ranges. */
const BODY_MAX_BYTES = 1_000_000

const NAME = z.string().min(1).max(128)
const TIME = z.string().min(1).max(64)
const LINK = z.object({ cut: z.boolean() })
const RECOVER = z.object({ gateway: NAME, from: TIME, to: TIME })
const REPLAY = z.object({ store: NAME, to: TIME })
const WRITEOFF = z.object({
  gateway: NAME,
  epoch: NAME,
  ranges: z.string().min(1),
  reason: z.string().min(1).max(1000),
})
const ENTRY = z.object({ id: NAME })

/** The guards stand before it. */
export function statusActions({ hosts, act }: ActionOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const limit = bodyLimit({
    maxSize: BODY_MAX_BYTES,
    onError: (context) =>
      context.json({ code: 'body-too-large', reason: `a body is at most ${BODY_MAX_BYTES} bytes` }, 413),
  })
  const post = <T>(path: string, shape: z.ZodType<T>, action: (body: T, context: Context) => PageAction): void => {
    app.post(path, limit, async (context) => {
      const body = shape.safeParse(await context.req.json().catch(() => undefined))
      if (!body.success) return context.json({ code: 'usage-wrong', reason: z.prettifyError(body.error) }, 400)
      return answer(context, action(body.data, context))
    })
  }
  const answer = async (context: Context, action: PageAction): Promise<Response> => {
    if (action.kind === 'link' && !hosts(action.gateway)) {
      return context.json({ code: 'gateway-unknown', reason: `no gateway ${action.gateway} runs here` }, 404)
    }
    try {
      const { ok, text } = await act(action)
      const done: Done = { ok: true, text }
      return ok ? context.json(done) : context.json({ code: 'refused', reason: text }, 409)
    } catch (error) {
      return refusalOf(context, error, 400)
    }
  }
  post('/api/link/:gateway', LINK, ({ cut }, context) => ({
    kind: 'link',
    gateway: context.req.param('gateway') ?? '',
    cut,
  }))
  post('/api/recover', RECOVER, (body) => ({ kind: 'recover', ...body }))
  post('/api/replay', REPLAY, (body) => ({ kind: 'replay', ...body }))
  post('/api/writeoff', WRITEOFF, (body) => ({ kind: 'writeoff', ...body }))
  post('/api/quarantine/redrive', ENTRY, ({ id }) => ({ kind: 'redrive', id }))
  post('/api/quarantine/discard', ENTRY, ({ id }) => ({ kind: 'discard', id }))
  return app
}
