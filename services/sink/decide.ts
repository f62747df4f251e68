/** What a sink does after a write failed: wait, or split. Pure; section 5 of the architecture as a function. */

import type { ErrorCode } from '../core/errors.ts'

export interface WriteTrouble {
  /** `undefined` for anything that is not one of ours: treated as the store being away. */
  readonly code: ErrorCode | undefined
  /** Readings in the batch that failed. */
  readonly readings: number
  /** How often this batch has failed in a row. */
  readonly failures: number
  /** A probing write succeeded after the last failure. */
  readonly probed: boolean
  /** Other readings of the same batch have landed meanwhile. */
  readonly othersLanded: boolean
}

export type WriteAction = 'wait' | 'probe' | 'split' | 'reject'

/** So often a batch may fail before the store is probed to see whether it is the batch's fault. */
const FAILURES_BEFORE_PROBE = 3

export function decideWrite(trouble: WriteTrouble): WriteAction {
  if (trouble.code === 'batch-refused') return trouble.readings > 1 ? 'split' : 'reject'
  if (trouble.code === 'store-misconfigured' || trouble.failures < FAILURES_BEFORE_PROBE) return 'wait'
  if (!trouble.probed) return 'probe'
  if (trouble.readings > 1) return 'split'
  return trouble.othersLanded ? 'reject' : 'wait'
}
