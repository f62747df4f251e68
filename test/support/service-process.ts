/** One service of tidemark in a real process of its own. */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Environment } from './environment.ts'

const BIN = fileURLToPath(new URL('../../bin/tidemark.js', import.meta.url))

export interface ServiceProcess {
  readonly url: string
  output(): string
  /** Resolves with the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<{ readonly code: number | string | null; readonly tookMs: number }>
}

/** Resolves when it says where it answers. */
export async function startService(args: readonly string[], env: Environment): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [BIN, ...args, '--port', '0'], {
    env: { ...process.env, TIDEMARK_LOG_LEVEL: 'info', TIDEMARK_HEARTBEAT: '500ms', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  const ended = new Promise<number | string | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code))
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}: ${said}`)))
  })
  return {
    url,
    output: () => said,
    end: async (signal) => {
      const fromMs = performance.now()
      child.kill(signal)
      return { code: await ended, tookMs: performance.now() - fromMs }
    },
  }
}
