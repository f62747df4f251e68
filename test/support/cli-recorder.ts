/** The command line on nothing: what each command would have been asked to do. */

import { runCli } from '../../services/commands/cli.ts'
import type { CliDeps, DataRequest } from '../../services/commands/cli-declaring.ts'
import type { GivenOptions } from '../../services/commands/command-set.ts'
import type { CommandContext, ExitCode } from '../../services/commands/context.ts'

export interface Call {
  readonly name: string
  readonly given?: GivenOptions
  readonly options?: unknown
  readonly request?: DataRequest
}

/** Records what the command line asks for. Commands of this folder that need the data end at `onData`; the others are run on nothing. */
export function cliRecorder({
  fails,
  signal,
  readText = async (path) => `content of ${path}`,
}: {
  fails?: unknown
  signal?: AbortSignal
  readText?: CliDeps['readText']
} = {}) {
  const calls: Call[] = []
  const said = { out: '', note: '' }
  const nowhere = {} as CommandContext
  const onData =
    (name: string) =>
    async (_context: CommandContext, options: unknown): Promise<ExitCode> => {
      calls.push({ name, options })
      return 3
    }
  const here =
    (name: string) =>
    async (given: GivenOptions, options: unknown): Promise<ExitCode> => {
      if (fails !== undefined) throw fails
      calls.push({ name, given, options })
      return 0
    }
  const injected = ['proof', 'verify', 'recover', 'writeoff', 'export']
  const deps: CliDeps = {
    version: '1.2.3',
    data: {
      proof: onData('proof'),
      verify: onData('verify'),
      recover: onData('recover'),
      writeoff: onData('writeoff'),
      export: onData('export'),
    },
    local: {
      up: here('up'),
      service: here('service'),
      generate: here('generate'),
      import: here('import'),
      settings: here('settings'),
      clear: here('clear'),
      reconcile: here('reconcile'),
      mirror: here('mirror'),
      mirrorVerify: here('mirrorVerify'),
      alertsList: here('alertsList'),
      alertsTest: here('alertsTest'),
    },
    onData: async (given, request, work) => {
      calls.push({ name: 'onData', given, request })
      return injected.includes(request.argv[0] ?? '') ? await work(nowhere) : 0
    },
    readText,
    out: async (text) => {
      said.out += text
    },
    note: (text) => {
      said.note += text
    },
    signal: signal ?? new AbortController().signal,
  }
  return { calls, said, run: (...argv: readonly string[]) => runCli(deps, argv) }
}
