/** How the end of a process is asked for and spread: by a signal, after a time, or because its data failed. */

import type { Logger } from 'pino'
import type { ExitCode } from '../commands/context.ts'
import { TidemarkError } from '../core/errors.ts'

/** Ends the process with 1 when a file of its data can't be written any more. */
export interface DataWatch {
  readonly failed: (error: unknown) => void
  readonly signal: AbortSignal
  readonly code: ExitCode
}

export function dataWatch(logger: Logger): DataWatch {
  const ended = new AbortController()
  return {
    failed: (error) => {
      if (ended.signal.aborted) return
      const path = error instanceof TidemarkError ? error.facts.path : undefined
      logger.fatal(
        { err: error, path },
        'the data can not be written any more: the process ends, so that nothing is accepted that it can not keep',
      )
      ended.abort()
    },
    signal: ended.signal,
    get code() {
      return ended.signal.aborted ? 1 : 0
    },
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Aborted so long after the other one. */
export function abortedAfter(signal: AbortSignal, graceMs: number): AbortSignal {
  const late = new AbortController()
  const begin = (): void => {
    const reason = new TidemarkError('closed', 'the process ends')
    setTimeout(() => late.abort(reason), graceMs).unref()
  }
  if (signal.aborted) begin()
  else signal.addEventListener('abort', begin, { once: true })
  return late.signal
}
