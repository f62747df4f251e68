/** The commands as the command line calls them: their names and what it hands to each. `main.ts` puts the functions in. */

import type { AlertsListOptions, AlertsTestOptions } from './alerts.ts'
import type { ClearOptions } from './clear.ts'
import type { CommandContext, ExitCode } from './context.ts'
import type { ExportOptions } from './export.ts'
import type { GenerateOptions } from './generate.ts'
import type { ImportOptions } from './import.ts'
import type { MirrorOptions, MirrorVerifyOptions } from './mirror.ts'
import type { ProofOptions } from './proof.ts'
import type { ReconcileOptions } from './reconcile.ts'
import type { RecoverOptions } from './recover.ts'
import type { SettingsOptions } from './settings.ts'
import type { VerifyOptions } from './verify.ts'
import type { WriteoffOptions } from './writeoff.ts'

type OnData<O> = (context: CommandContext, options: O) => Promise<ExitCode>
type Here<O> = (given: GivenOptions, options: O) => Promise<ExitCode>

/** Options that stand for settings and win over them. */
export interface GivenOptions {
  /** Path of the settings file. */
  readonly config?: string
  /** `DATA_DIR`. */
  readonly data?: string
}

/** Commands that need the data open. */
export interface DataCommands {
  readonly proof: OnData<ProofOptions>
  readonly verify: OnData<VerifyOptions>
  readonly recover: OnData<RecoverOptions>
  readonly writeoff: OnData<WriteoffOptions>
  readonly export: OnData<ExportOptions>
}

/** Commands that run in the process they were typed in. */
export interface LocalCommands {
  readonly up: Here<UpOptions>
  readonly service: Here<ServiceOptions>
  readonly generate: Here<Partial<GenerateOptions>>
  readonly import: Here<Partial<ImportOptions> & Pick<ImportOptions, 'files'>>
  readonly settings: Here<SettingsOptions>
  readonly clear: Here<ClearOptions>
  readonly reconcile: Here<ReconcileOptions>
  readonly mirror: Here<MirrorOptions>
  readonly mirrorVerify: Here<MirrorVerifyOptions>
  readonly alertsList: Here<AlertsListOptions>
  readonly alertsTest: Here<AlertsTestOptions>
}

export interface UpOptions {
  /** `HTTP_PORT`. */
  readonly port?: string
  readonly demo: boolean
  /** Ends by itself after that time. */
  readonly forMs?: number
}

/** One service in a process of its own. */
export interface ServiceOptions {
  readonly service: 'gateway' | 'recovery' | 'sink' | 'status' | 'indexer'
  /** `HTTP_PORT`. */
  readonly port?: string
  /** Of a sink: the store it writes to. */
  readonly store?: string
}
