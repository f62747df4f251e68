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
  const lost = (error: unknown): unknown => {
    if (terminal.signal.aborted) return terminal.signal.reason
    return new TidemarkError('not-running', `${urlOf(address)} does not answer, or no longer`, {}, error)
  }
  const response = await post(address, request, terminal.signal).catch((error: unknown) => Promise.reject(lost(error)))
  if (response.ok && response.body !== null) return await passedOn(linesOf(response.body, lost), terminal)
  throw new TidemarkError('not-running', `it refused the command with ${response.status} ${await response.text()}`)
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

/** What breaks the stream is thrown as `lost` puts it; what its reader throws stays as it is. */
async function* linesOf(
  body: ReadableStream<Uint8Array>,
  lost: (error: unknown) => unknown,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error: unknown) => Promise.reject(lost(error)))
      if (done) return
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

/** An address that listens everywhere is asked on loopback. */
function urlOf({ host, port }: RunningAddress): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/api/command`
}
