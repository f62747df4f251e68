/** Runs a tool to its end, says now and then that it goes on, and shows its last words when it fails. */

import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { TidemarkError } from '../../services/core/errors.ts'
import type { ToolOptions } from './recipe.ts'

export interface ToolRun extends ToolOptions {
  /** The engine it is run for. */
  readonly name: string
  readonly what: string
  readonly command: string
  readonly args: readonly string[]
  readonly signal: AbortSignal
  /** The higher, the more of the machine it leaves to others; 0 where it is not set. */
  readonly nice?: number
  say?(line: string): void
}

const SAY_EVERY_MS = 20_000
const LAST_WORDS = 20
const LAST_CHARS = 16_384

/** Resolves with its standard output; throws `engine-failed`. */
export async function runTool(run: ToolRun): Promise<string> {
  const { name, what, command, args, signal, cwd, env, nice = 0, say = () => undefined } = run
  signal.throwIfAborted()
  say(`${name}: ${what}`)
  const beginMs = performance.now()
  const elapsed = (): string => `${Math.round((performance.now() - beginMs) / 1000)} s`
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  })
  if (child.pid !== undefined && nice > 0) setPriority(child.pid, nice)
  let said = ''
  let out = ''
  const note = (text: string): void => {
    said = (said + text).slice(-LAST_CHARS)
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    note(text)
  })
  child.stderr.setEncoding('utf8').on('data', note)
  const progress = setInterval(() => say(`${name}: ${what} (${elapsed()})`), SAY_EVERY_MS)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (code === 0) return out
    const words = said.trimEnd().split('\n').slice(-LAST_WORDS).join('\n')
    throw new TidemarkError('engine-failed', `${what}: ${command} ended with ${code} after ${elapsed()}:\n${words}`)
  } finally {
    clearInterval(progress)
  }
}
