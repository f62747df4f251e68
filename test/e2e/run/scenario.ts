/** What a scenario is. */

import type { Run } from './run.ts'

export interface Scenario {
  readonly name: string
  /** What it tries to break. */
  readonly promise: string
  /** Recovery is so slow unless it is said that a fault can fall into it. */
  readonly recoveryBytesPerS?: string
  /** Between the gateway's start and the judgement. */
  run(run: Run): Promise<void>
}
