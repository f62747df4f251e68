/** How full a journal is and when it will be full, for `GET /journal`. */

import { formatInstant } from '../../schemas/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Journal } from '../ports/journal.ts'

const SAMPLE_EVERY_MS = 5_000
const SAMPLES_MAX = 60

interface Sample {
  readonly atMs: number
  readonly bytes: number
}

export interface UsageMeter {
  /** Call it as often as you like; it looks every few seconds. */
  sample(): void
  report(): Readonly<Record<string, unknown>>
}

/** The rate is that of the last five minutes at most. */
export function usageMeter(journal: Journal, clock: Clock): UsageMeter {
  const samples: Sample[] = []
  const sample = (): void => {
    const atMs = clock.monotonicMs()
    const last = samples.at(-1)
    if (last !== undefined && atMs - last.atMs < SAMPLE_EVERY_MS) return
    samples.push({ atMs, bytes: journal.usage().bytes })
    if (samples.length > SAMPLES_MAX) samples.shift()
  }
  sample()
  return {
    sample,
    report: () => {
      const { bytes, maxBytes, readings, unconfirmed, oldestMs } = journal.usage()
      return {
        gateway: journal.gateway,
        epoch: journal.epoch,
        head: journal.head(),
        readings,
        unconfirmed,
        bytes,
        max_bytes: maxBytes,
        oldest: oldestMs === null ? null : formatInstant({ ms: oldestMs, ns: 0 }),
        time_to_full_s: timeToFullS(samples[0], { atMs: clock.monotonicMs(), bytes }, maxBytes),
      }
    },
  }
}

/** Null while the journal does not grow. */
function timeToFullS(first: Sample | undefined, now: Sample, maxBytes: number): number | null {
  if (now.bytes >= maxBytes) return 0
  if (first === undefined || now.atMs <= first.atMs || now.bytes <= first.bytes) return null
  const bytesPerS = ((now.bytes - first.bytes) * 1_000) / (now.atMs - first.atMs)
  return Math.round((maxBytes - now.bytes) / bytesPerS)
}
