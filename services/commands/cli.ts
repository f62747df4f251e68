/** The command line: declares every command, reads its options, runs it, and turns what went wrong into a sentence and an exit code. */

import { Command, CommanderError } from 'commander'
import { codeOf } from '../core/errors.ts'
import { declareAlertCommands } from './cli-alerts.ts'
import { declareDataCommands } from './cli-data.ts'
import type { CliDeps, Declaring } from './cli-declaring.ts'
import { declareEngineCommands } from './cli-engines.ts'
import { declareLocalCommands } from './cli-local.ts'
import { declareMirrorCommands } from './cli-mirror.ts'
import { declareServiceCommands } from './cli-services.ts'
import type { GivenOptions } from './command-set.ts'
import type { ExitCode } from './context.ts'

const ABOUT = 'Brings sensor readings from gateways with failing links into the cloud, each exactly once, with proof.'

/** Of help that goes to no terminal. */
const COLUMNS = 80

/** `argv` without node and script. Never throws: what went wrong is said on standard error. */
export async function runCli(deps: CliDeps, argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = 0
  const said: Promise<void>[] = []
  const program = programOf(deps, (text) => said.push(deps.out(text)))
  const declaring: Declaring = {
    program,
    deps,
    given: () => program.opts<GivenOptions>(),
    onData: async (work, more) => {
      const request = { argv, files: {}, needsRunning: false, ...more }
      code = await deps.onData(program.opts<GivenOptions>(), request, work)
    },
    here: async (work) => {
      code = await work()
    },
  }
  declareServiceCommands(declaring)
  declareMirrorCommands(declaring)
  declareLocalCommands(declaring)
  declareAlertCommands(declaring)
  declareDataCommands(declaring)
  declareEngineCommands(declaring)
  sayWhatWasExpected(program)
  try {
    await program.parseAsync(withCommand(argv), { from: 'user' })
  } catch (error) {
    code = exitCodeOf(error, deps)
  }
  await Promise.all(said)
  return code
}

function programOf(deps: CliDeps, say: (text: string) => void): Command {
  return new Command('tidemark')
    .description(`${ABOUT} Without a command: up.`)
    .version(deps.version, '-V, --version', 'Says the version.')
    .helpOption('-h, --help', 'Explains the command.')
    .helpCommand('help [command]', 'Explains a command.')
    .option('--config <file>', 'Settings file (YAML); TIDEMARK_… in the environment wins over it.')
    .option('--data <dir>', 'The data directory, in place of DATA_DIR.')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .configureOutput({
      writeOut: say,
      writeErr: (text) => deps.note(text),
      getOutHelpWidth: () => deps.columns ?? COLUMNS,
      getErrHelpWidth: () => deps.columns ?? COLUMNS,
    })
}

/** Subcommands take over the parent's output; the sentence differs for each. Options that have to be given stand in the usage. */
function sayWhatWasExpected(command: Command, path = 'tidemark'): void {
  const needed = command.options.filter(({ mandatory }) => mandatory).map(({ long }) => ` ${long} …`)
  command.usage(command.usage() + needed.join(''))
  const usage = `${path} ${command.usage()}`
  command.showHelpAfterError(`Expected: ${usage}\nSee '${path} --help'.`)
  for (const child of command.commands) sayWhatWasExpected(child, `${path} ${child.name()}`)
}

/** Puts `up` before options that stand alone. */
function withCommand(argv: readonly string[]): readonly string[] {
  const takesValue = new Set(['--config', '--data', '--port', '--for'])
  const asksForHelp = argv.some((arg) => ['-h', '--help', '-V', '--version'].includes(arg))
  const hasWord = argv.some((arg, i) => !arg.startsWith('-') && !takesValue.has(argv[i - 1] ?? ''))
  return asksForHelp || hasWord ? argv : ['up', ...argv]
}

function exitCodeOf(error: unknown, deps: CliDeps): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (deps.signal.aborted) {
    deps.note('interrupted\n')
    return 1
  }
  const code = codeOf(error)
  deps.note(`error: ${error instanceof Error ? error.message : String(error)}\n`)
  if (code === undefined && error instanceof Error) deps.note(`${error.stack}\n`)
  return code === 'usage-wrong' || code === 'settings-invalid' ? 2 : 1
}
