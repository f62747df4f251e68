/** Where a command meets the data: in the process that holds it, else here, under the lock. */

import { TidemarkError } from '../core/errors.ts'
import type { ParsedSettings, Settings } from '../core/settings.ts'
import { runCli } from './cli.ts'
import type { CliDeps, DataRequest } from './cli-declaring.ts'
import type { GivenOptions } from './command-set.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { settingsOrThrow } from './settings.ts'

export interface DataTools {
  settings(given: GivenOptions): Promise<ParsedSettings>
  /** Runs the request in the process that holds the data directory; `undefined` when there is none. */
  remote(settings: Settings, request: DataRequest): Promise<ExitCode | undefined>
  /** Opens the data under the lock. */
  open(settings: Settings): Promise<CommandContext & AsyncDisposable>
}

/** For a command typed in a terminal. */
export function askOrOpen({ settings, remote, open }: DataTools): CliDeps['onData'] {
  return async (given, request, work) => {
    const read = settingsOrThrow(await settings(given))
    const code = await remote(read, request)
    if (code !== undefined) return code
    if (request.needsRunning)
      throw new TidemarkError('not-running', `none holds ${read.dataDir}; start 'tidemark up' first`)
    await using context = await open(read)
    return await work(context)
  }
}

/** For a command that arrived over HTTP: runs on what is open already. Never throws. */
export function runInside(
  context: CommandContext,
  data: CliDeps['data'],
  { argv, files }: Pick<DataRequest, 'argv' | 'files'>,
): Promise<ExitCode> {
  const elsewhere = async (): Promise<never> => {
    throw new TidemarkError('usage-wrong', 'this command runs only in the process it was typed in')
  }
  const deps: CliDeps = {
    version: '',
    data,
    local: {
      up: elsewhere,
      service: elsewhere,
      generate: elsewhere,
      import: elsewhere,
      settings: elsewhere,
      clear: elsewhere,
      reconcile: elsewhere,
      mirror: elsewhere,
      mirrorVerify: elsewhere,
      alertsList: elsewhere,
      alertsTest: elsewhere,
    },
    onData: (_given, _request, work) => work(context),
    readText: async (path) => {
      if (Object.hasOwn(files, path)) return files[path] ?? ''
      throw new TidemarkError('usage-wrong', `the content of ${path} did not come with the command`)
    },
    out: (text) => context.out(text),
    note: (text) => context.note(text),
    signal: context.signal,
    ...(context.columns === undefined ? {} : { columns: context.columns }),
  }
  return runCli(deps, argv)
}
