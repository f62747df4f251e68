/** The other side of the command channel: asks the running process, passes on what the command says, and gives its exit code. */

import type { ExitCode } from '../../services/commands/context.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { CommandLine, CommandRequest } from './command-channel.ts'

export interface RunningAddress {
  readonly host: string
  readonly port: number
  readonly token: string
}

export interface CommandTerminal {
  /** Resolves when standard output has room for more. */
  out(text: string): Promise<void>
  note(text: string): void
  /** Ctrl-C: ends the command there too. */
  readonly signal: AbortSignal
}

/** Throws `not-running` when nobody answers or the process ends before the command, the signal's reason when aborted. */
export async function askRunning(
  address: RunningAddress,
  request: CommandRequest,
  terminal: CommandTerminal,
): Promise<ExitCode> {
  try {
    const response = await post(address, request, terminal.signal)
    if (response.ok && response.body !== null) return await passedOn(linesOf(response.body), terminal)
    throw new TidemarkError('not-running', `it refused the command with ${response.status} ${await response.text()}`)
  } catch (error) {
    terminal.signal.throwIfAborted()
    if (error instanceof TidemarkError) throw error
    throw new TidemarkError('not-running', `${urlOf(address)} does not answer, or no longer`, {}, error)
  }
}

function post(address: RunningAddress, request: CommandRequest, signal: AbortSignal): Promise<Response> {
  return fetch(urlOf(address), {
    method: 'POST',
    headers: { Authorization: `Bearer ${address.token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
    signal,
  })
}

async function passedOn(lines: AsyncIterable<string>, { out, note }: CommandTerminal): Promise<ExitCode> {
  for await (const text of lines) {
    const line: CommandLine = JSON.parse(text)
    if ('exit' in line) return line.exit
    if ('out' in line) await out(line.out)
    else if ('note' in line) note(line.note)
  }
  throw new TidemarkError('not-running', 'the process ended before the command did')
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

/** An address that listens everywhere is asked on loopback. */
function urlOf({ host, port }: RunningAddress): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/api/command`
}
