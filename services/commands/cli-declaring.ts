/** What stands between the command line and the machine: what it is handed, and what a declaration of commands gets. */

import type { Command } from 'commander'
import type { DataCommands, GivenOptions, LocalCommands } from './command-set.ts'
import type { CommandContext, ExitCode } from './context.ts'

/** A command to be run where the data is open. */
export interface DataRequest {
  readonly argv: readonly string[]
  /** Content of the files the command names, so that only the one who typed them reads files. */
  readonly files: Readonly<Record<string, string>>
  /** It makes sense only in the process that runs the services. */
  readonly needsRunning: boolean
}

export type DataWork = (context: CommandContext) => Promise<ExitCode>

export interface CliDeps {
  readonly version: string
  readonly data: DataCommands
  readonly local: LocalCommands
  /** Runs the work in the process that holds the data, or here after opening it. See `data-access.ts`. */
  onData(given: GivenOptions, request: DataRequest, work: DataWork): Promise<ExitCode>
  readText(path: string): Promise<string>
  /** Help that was asked for; everything else a command says goes through its context. */
  out(text: string): Promise<void>
  note(text: string): void
  readonly signal: AbortSignal
  readonly columns?: number
}

/** What a declaration of commands gets: the program to add to, and what to do when one is chosen. */
export interface Declaring {
  readonly program: Command
  readonly deps: CliDeps
  given(): GivenOptions
  onData(work: DataWork, more?: Partial<DataRequest>): Promise<void>
  here(work: () => Promise<ExitCode>): Promise<void>
}

export interface Ending {
  /** Without `tidemark` before them. */
  readonly examples: readonly string[]
  /** What the codes say, where it is not what they say of every command. */
  readonly exits?: Partial<Readonly<Record<ExitCode, string>>>
}

const EXITS = { 0: 'done', 1: 'it failed', 2: 'wrong usage or settings' }

/** The end of a command's help: examples, and what its exit codes say. */
export function ending({ examples, exits = {} }: Ending): string {
  const codes = Object.entries({ ...EXITS, ...exits })
  const lines = [
    '',
    'Examples:',
    ...examples.map((example) => `  tidemark ${example}`),
    '',
    'Exit codes:',
    ...codes.map(([code, what]) => `  ${code}  ${what}`),
  ]
  return lines.join('\n')
}

/** Option of every command that can print JSON. */
export const AS_JSON = ['--json', 'Prints one JSON document, and nothing else on standard output.'] as const

export interface Json {
  readonly json?: boolean
}
