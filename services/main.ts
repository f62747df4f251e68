/** The front door: puts the machine, the adapters and the services behind the command line, runs it, and ends the process. */

import { writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { runningProcess } from '../infra/embedded/data-dir.ts'
import { askRunning } from '../infra/http/command-client.ts'
import { systemClock, systemRandom } from '../infra/system.ts'
import { runCli } from './commands/cli.ts'
import type { DataCommands } from './commands/command-set.ts'
import type { CommandContext } from './commands/context.ts'
import { askOrOpen } from './commands/data-access.ts'
import { runExport } from './commands/export.ts'
import { runProof } from './commands/proof.ts'
import { runRecover } from './commands/recover.ts'
import { runVerify } from './commands/verify.ts'
import { runWriteoff } from './commands/writeoff.ts'
import { TidemarkError } from './core/errors.ts'
import type { Settings } from './core/settings.ts'
import { openInstallation } from './main/installation.ts'
import { localCommands, type Machine, readSettings } from './main/local-commands.ts'
import { packageVersion } from './main/package-files.ts'
import { openTerminal } from './main/terminal.ts'

const data: DataCommands = {
  proof: runProof,
  verify: runVerify,
  recover: runRecover,
  writeoff: runWriteoff,
  export: runExport,
}

const machine: Machine = {
  out: write,
  note: (text) => void process.stderr.write(text),
  signal: endSignal(),
  terminal: process.stderr.isTTY === true,
  ...(process.stdout.isTTY === true ? { columns: process.stdout.columns } : {}),
}

process.on('uncaughtException', (error) => {
  writeSync(process.stderr.fd, `tidemark ends by a failure nobody caught: ${inspect(error)}\n`)
  endAtOnce('SIGKILL')
})
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
/** A command that only sleeps must not end the process. */
const hold = setInterval(() => undefined, 60_000)

const code = await runCli(
  {
    version: packageVersion(),
    data,
    local: localCommands(machine, data),
    onData: askOrOpen({
      settings: (given) => readSettings(given),
      remote: async (settings, { argv, files }) => {
        const running = await runningProcess(settings.dataDir)
        if (running === undefined) return undefined
        const { terminal, columns } = machine
        const request = { argv, files, terminal, ...(columns === undefined ? {} : { columns }) }
        return askRunning({ host: settings.httpHost, ...running }, request, machine)
      },
      open: openContext,
    }),
    readText: (path) => readFile(path, 'utf8'),
    out: machine.out,
    note: machine.note,
    signal: machine.signal,
    ...(machine.columns === undefined ? {} : { columns: machine.columns }),
  },
  process.argv.slice(2),
)
process.exitCode = code
clearInterval(hold)

/** For a command while no process runs: the data open here, no services. */
async function openContext(settings: Settings): Promise<CommandContext & AsyncDisposable> {
  const { logger } = openTerminal({ logLevel: 'warn' })
  const installation = await openInstallation(settings, logger)
  return { ...installation, ...machine, clock: systemClock, random: systemRandom }
}

/** Aborted by the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function endSignal(): AbortSignal {
  const end = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (end.signal.aborted) endAtOnce(name)
      end.abort(new TidemarkError('interrupted', name))
    })
  }
  return end.signal
}

/**
 * By the system, not by `process.exit`: that waits for the engine's thread, which may wait for an answer of this one, and the process would stay for
 * ever and keep the data directory locked.
 */
function endAtOnce(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** Waits for a slow reader; a reader that went away ends the process quietly, as it does other programs in a pipe. */
function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.write(text)) resolve()
    else process.stdout.once('drain', resolve)
  })
}
