/** The commands as the command line calls them: their names and what it hands to each. `main.ts` puts the functions in. */

import type { CommandContext, ExitCode } from './context.ts'

type OnData<O> = (context: CommandContext, options: O) => Promise<ExitCode>
type Here<O> = (given: { readonly config?: string; readonly data?: string }, options: O) => Promise<ExitCode>

/** Commands of other files that need the data open. */
export interface DataCommands {
  readonly proof: OnData<{ readonly gateway?: string; readonly json?: boolean; readonly waitMs?: number }>
  readonly verify: OnData<{ readonly gateway?: string; readonly from?: string; readonly json?: boolean }>
  readonly recover: OnData<{ readonly gateway: string; readonly from: string; readonly to: string }>
  readonly writeoff: OnData<{
    readonly gateway: string
    readonly epoch: string
    readonly ranges: string
    readonly reason: string
  }>
  readonly export: OnData<ExportOptions>
}

export interface ExportOptions {
  readonly store: string
  readonly gateway?: string
  readonly type?: string
  readonly from?: string
  readonly to?: string
  readonly format: 'csv' | 'ndjson' | 'lp'
}

/** Commands that run in the process they were typed in; they read the settings themselves. */
export interface LocalCommands {
  readonly up: Here<UpOptions>
  readonly generate: Here<GenerateOptions>
  readonly import: Here<ImportOptions>
  readonly settings: Here<{ readonly json?: boolean }>
  readonly clear: Here<{ readonly yes?: boolean; readonly host?: string }>
}

export interface UpOptions {
  /** `HTTP_PORT`. */
  readonly port?: string
  readonly demo: boolean
  readonly forMs?: number
}

/** Exactly one of `ratePerS` and `count` ends up deciding; without both, the command's own default. */
export interface GenerateOptions {
  readonly gateways?: number
  readonly sensors?: number
  readonly ratePerS?: number
  readonly count?: number
  readonly seed?: number
  readonly url?: string
}

/** Exactly one of `sensor` and `sensorColumn`. */
export interface ImportOptions {
  readonly files: readonly string[]
  readonly gateway?: string
  readonly type: string
  readonly sensor?: string
  readonly sensorColumn?: string
  readonly timeColumn?: string
  readonly tz?: string
  readonly url?: string
}
