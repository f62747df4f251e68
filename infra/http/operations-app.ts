/** What runs a process wants to know of it: whether it lives, whether its engines answer, and its figures. */

import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { TidemarkError } from '../../services/core/errors.ts'
import { doorGuard } from './door-guard.ts'
import { METRICS_TYPE, type Metric, metricsText, processMetrics } from './metrics-text.ts'
import { onlyHere, withToken } from './read-guard.ts'

export interface OperationsOptions {
  /** What the process is, as its command says it. */
  readonly service: string
  /** Of the settings: where one is set, figures and reasons are told only to who brings it. */
  readonly httpToken?: string | undefined
  ready(): Promise<readonly Readiness[]>
  /** Throws a `TidemarkError` when the figures can't be had now. */
  metrics(): Metric[] | Promise<Metric[]>
}

interface Readiness {
  readonly engine: string
  readonly ready: boolean
  readonly reason?: string
}

export function operationsApp(options: OperationsOptions): Hono<{ Bindings: HttpBindings }> {
  const { service, httpToken } = options
  const app = new Hono<{ Bindings: HttpBindings }>()
  const guard = doorGuard(httpToken)
  const ofProcess = processMetrics()
  app.get('/health', (context) => context.json({ name: 'tidemark', service, status: 'pass' }))
  app.get('/ready', onlyHere(httpToken), async (context) => {
    const mayKnowWhy = guard(context.env.incoming.headers) === undefined
    const engines = (await options.ready()).map(({ reason, ...each }) =>
      mayKnowWhy && reason !== undefined ? { ...each, reason } : each,
    )
    const ready = engines.every((each) => each.ready)
    return context.json({ service, ready, engines }, ready ? 200 : 503)
  })
  app.get('/metrics', onlyHere(httpToken), withToken(httpToken), async (context) => {
    try {
      const text = await metricsText(await options.metrics(), ofProcess)
      return context.body(text, 200, { 'Content-Type': METRICS_TYPE })
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error
      return context.json({ code: error.code, reason: error.message }, 503)
    }
  })
  return app
}
