/** What a process says: log lines on standard error, and in a terminal a block of live lines that logs don't tear apart. */

import { Writable } from 'node:stream'
import { type Logger, pino } from 'pino'
import type { Settings } from '../core/settings.ts'

export interface Terminal {
  /** Replaces the block of live lines; nothing happens where standard output is no terminal. */
  show(lines: readonly string[]): void
  /** Writes a line above the block. */
  say(line: string): void
  readonly logger: Logger
}

const SECRETS = ['token', '*.token', 'httpToken', '*.httpToken', 'authorization', '*.authorization']

export function openTerminal(settings: Pick<Settings, 'logLevel'>): Terminal {
  const live = process.stdout.isTTY === true
  let block: readonly string[] = []
  const erase = (): void => {
    if (live && block.length > 0) process.stdout.write(`\u001b[${block.length}A\u001b[J`)
  }
  const draw = (): void => {
    if (live && block.length > 0) process.stdout.write(`${block.map(cut).join('\n')}\n`)
  }
  const around = (write: () => void): void => {
    erase()
    write()
    draw()
  }
  const logs = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const text = process.stderr.isTTY === true ? readable(chunk.toString()) : chunk.toString()
      around(() => process.stderr.write(text))
      done()
    },
  })
  return {
    show: (lines) => {
      erase()
      block = lines
      draw()
    },
    say: (line) => around(() => process.stdout.write(`${line}\n`)),
    logger: pino({ level: settings.logLevel, redact: SECRETS, base: null }, logs),
  }
}

function cut(line: string): string {
  const width = process.stdout.columns ?? 80
  return line.length < width ? line : `${line.slice(0, width - 2)}…`
}

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
}

/** A log line for people: time, level, sentence, facts. */
function readable(json: string): string {
  const { level, time, msg, err, ...facts } = JSON.parse(json) as Record<string, unknown>
  const cause = typeof err === 'object' && err !== null && 'message' in err ? [`err=${String(err.message)}`] : []
  const rest = Object.entries(facts).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const at = new Date(Number(time)).toISOString().slice(11, 19)
  return `${[at, LEVELS[Number(level)] ?? level, msg, ...rest, ...cause].join(' ')}\n`
}
