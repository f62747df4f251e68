/** `tidemark replay`: moves a store's consumer offsets back, so that its sink writes again what the log still holds. */

import { formatInstant, parseInstant } from '../../schemas/time.ts'
import type { TopicName } from '../../topics/index.ts'
import { TidemarkError } from '../core/errors.ts'
import { formatDuration } from '../core/quantities.ts'
import type { ResetTarget } from '../ports/message-log.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { counted, progressBar } from './progress-bar.ts'
import { storeNamed } from './stores.ts'

export interface ReplayOptions {
  readonly store: string
  /** `earliest`, or a time as `schemas/time.ts` reads it: from the first record the log appended at or after it. */
  readonly to: string
  /** Waits so long until the sink has read again what the log held when the command began. */
  readonly waitMs?: number | undefined
}

const POLL_MS = 200
const TOPICS_OF_SINKS: readonly TopicName[] = ['readings', 'recovery_data']

/** Exit code 1 when it was waited for and has not come to the end in time. */
export async function runReplay(context: CommandContext, { store, to, waitMs }: ReplayOptions): Promise<ExitCode> {
  storeNamed(context, store)
  const target = resetTarget(to)
  const ends = await Promise.all(TOPICS_OF_SINKS.map((topic) => context.messageLog.offsets(topic)))
  const reset = () => context.messageLog.reset(`sink-${store}`, TOPICS_OF_SINKS, target)
  await (context.running === undefined ? reset() : context.running.whilePaused(store, reset))
  const from = typeof target === 'string' ? 'the earliest record' : formatInstant({ ms: target.wallMs, ns: 0 })
  await context.out(`${store}: reads ${TOPICS_OF_SINKS.join(' and ')} again from ${from}\n`)
  return waitMs === undefined || (await hasCaughtUp(context, store, ends, waitMs)) ? 0 : 1
}

type Offsets = Awaited<ReturnType<CommandContext['messageLog']['offsets']>>

async function hasCaughtUp(
  context: CommandContext,
  store: string,
  ends: readonly Offsets[],
  waitMs: number,
): Promise<boolean> {
  const { clock, signal, note } = context
  const deadlineMs = clock.monotonicMs() + waitMs
  const bar = progressBar(context, `replay ${store}`, { unit: 'records' })
  try {
    const total = await leftOf(context, store, ends)
    for (let left = total; left > 0; left = await leftOf(context, store, ends)) {
      if (clock.monotonicMs() >= deadlineMs) {
        bar.clear()
        note(`${counted(left)} records are left after ${formatDuration(waitMs)}; the sink goes on, if it runs\n`)
        return false
      }
      bar.show(total - left, (total - left) / total)
      await clock.sleep(POLL_MS, signal)
    }
    return true
  } finally {
    bar.clear()
  }
}

/** Records between what the sink has committed and `ends`. */
async function leftOf({ messageLog }: CommandContext, store: string, ends: readonly Offsets[]): Promise<number> {
  const committed = await messageLog.committed(`sink-${store}`, TOPICS_OF_SINKS)
  const lefts = TOPICS_OF_SINKS.flatMap((topic, i) =>
    (ends[i] ?? []).map(({ first, next }, partition) => next - Math.max(first, committed[topic]?.[partition] ?? 0)),
  )
  return lefts.reduce((sum, left) => sum + Math.max(0, left), 0)
}

function resetTarget(text: string): ResetTarget {
  if (text === 'earliest') return text
  const instant = parseInstant(text)
  if ('reason' in instant)
    throw new TidemarkError('usage-wrong', `--to: expected earliest or a time; ${instant.reason}`)
  return { wallMs: instant.ms }
}
