/** `tidemark replay`: moves a store's consumer offsets back, so that its sink writes again what the log still holds. */

import { formatInstant, parseInstant } from '../../schemas/time.ts'
import type { TopicName } from '../../topics/index.ts'
import { TidemarkError } from '../core/errors.ts'
import type { ResetTarget } from '../ports/message-log.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { storeNamed } from './stores.ts'

export interface ReplayOptions {
  readonly store: string
  /** `earliest`, or a time as `schemas/time.ts` reads it: from the first record the log appended at or after it. */
  readonly to: string
}

const TOPICS_OF_SINKS: readonly TopicName[] = ['readings', 'recovery_data']

export async function runReplay(context: CommandContext, { store, to }: ReplayOptions): Promise<ExitCode> {
  storeNamed(context, store)
  const target = resetTarget(to)
  const reset = () => context.messageLog.reset(`sink-${store}`, TOPICS_OF_SINKS, target)
  await (context.running === undefined ? reset() : context.running.whilePaused(store, reset))
  const from = typeof target === 'string' ? 'the earliest record' : formatInstant({ ms: target.wallMs, ns: 0 })
  await context.out(`${store}: reads ${TOPICS_OF_SINKS.join(' and ')} again from ${from}\n`)
  return 0
}

function resetTarget(text: string): ResetTarget {
  if (text === 'earliest') return text
  const instant = parseInstant(text)
  if ('reason' in instant)
    throw new TidemarkError('usage-wrong', `--to: expected earliest or a time; ${instant.reason}`)
  return { wallMs: instant.ms }
}
