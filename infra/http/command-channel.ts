/** Runs commands that were typed in another process: `POST /api/command` answers with what the command says, line by line, as it says it. */

import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import type { ExitCode } from '../../services/commands/context.ts'
import { doorGuard } from './door-guard.ts'
import { lineStream } from './line-stream.ts'

const REQUEST = z.object({
  argv: z.array(z.string()).max(10_000),
  /** Standard error there is a terminal. */
  terminal: z.boolean(),
  /** Width of the terminal that standard output there is. */
  columns: z.number().int().positive().optional(),
  /** Content of the files the command names. */
  files: z.record(z.string(), z.string()).default({}),
})

export interface CommandRequest {
  readonly argv: readonly string[]
  readonly terminal: boolean
  readonly columns?: number | undefined
  readonly files: Readonly<Record<string, string>>
}

/** One of these a line; `alive` only shows that the command still runs. */
export type CommandLine =
  | { readonly out: string }
  | { readonly note: string }
  | { readonly exit: ExitCode }
  | { readonly alive: true }

export interface CommandOutput {
  /** Resolves when the reader has room for more; rejects once it is gone. */
  out(text: string): Promise<void>
  note(text: string): void
  /** Aborted when the reader is gone: somebody pressed Ctrl-C there. */
  readonly signal: AbortSignal
}

export interface CommandChannelOptions {
  readonly token: string
  run(request: CommandRequest, output: CommandOutput): Promise<ExitCode>
  /** How often a silent command shows that it is alive; 10 s when absent. */
  readonly aliveMs?: number
}

const BODY_MAX_BYTES = 20_000_000
const ALIVE_MS = 10_000

export function commandChannel({
  token,
  run,
  aliveMs = ALIVE_MS,
}: CommandChannelOptions): Hono<{ Bindings: HttpBindings }> {
  const guard = doorGuard(token)
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.use('/api/command', async (context, next) => {
    const refused = guard(Object.fromEntries(context.req.raw.headers))
    return refused === undefined ? await next() : context.json({ code: refused.code, reason: refused.reason }, 401)
  })
  app.post('/api/command', bodyLimit({ maxSize: BODY_MAX_BYTES }), async (context) => {
    const parsed = REQUEST.safeParse(await context.req.json().catch(() => undefined))
    if (!parsed.success) return context.json({ code: 'usage-wrong', reason: z.prettifyError(parsed.error) }, 400)
    return streamed(parsed.data, run, aliveMs)
  })
  return app
}

function streamed(request: CommandRequest, run: CommandChannelOptions['run'], aliveMs: number): Response {
  const lines = lineStream()
  const say = (line: CommandLine): Promise<void> => lines.write(JSON.stringify(line))
  const alive = setInterval(() => void say({ alive: true }).catch(() => undefined), aliveMs)
  alive.unref()
  const output: CommandOutput = {
    out: (out) => say({ out }),
    note: (note) => void say({ note }).catch(() => undefined),
    signal: lines.gone,
  }
  void run(request, output)
    .catch((error: unknown): ExitCode => {
      output.note(`error: ${error instanceof Error ? error.message : String(error)}\n`)
      return 1
    })
    .then((exit) => say({ exit }))
    .catch(() => undefined)
    .finally(() => {
      clearInterval(alive)
      lines.end()
    })
  return new Response(lines.readable, { headers: { 'Content-Type': 'application/x-ndjson' } })
}
