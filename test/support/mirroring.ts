/** A mirror between two ends in memory, on a clock that a test moves. */

import { pino } from 'pino'
import { TidemarkError } from '../../services/core/errors.ts'
import { nanosOf } from '../../services/core/mirror-windows.ts'
import type { MirrorChange } from '../../services/mirror/changes.ts'
import { Mirror, type MirrorOptions } from '../../services/mirror/mirror.ts'
import { type ManualClock, manualClock, seededRandom } from './manual-clock.ts'
import { MemoryMirrorEnd, type MemoryPoint } from './memory-mirror-end.ts'

export const BUCKET = 'cryostat'

export interface Mirroring {
  readonly clock: ManualClock
  readonly source: MemoryMirrorEnd
  readonly target: MemoryMirrorEnd
  readonly changes: readonly MirrorChange[]
  mirror(options?: Partial<MirrorOptions>): Mirror
  /** One pass to its end, however long ends are away. */
  once(options?: Partial<MirrorOptions>): Promise<Mirror>
}

export function mirroring(targetKeepsMs = 0): Mirroring {
  const clock = manualClock()
  const source = new MemoryMirrorEnd('source')
  const oldest = (): bigint => (targetKeepsMs === 0 ? -(2n ** 63n) : nanosOf(clock.wallMs() - targetKeepsMs))
  const target = new MemoryMirrorEnd('target', oldest)
  const changes: MirrorChange[] = []
  const make = (options: Partial<MirrorOptions> = {}): Mirror =>
    new Mirror({
      ...{ source, target, clock, random: seededRandom(1), logger: pino({ level: 'silent' }), buckets: [BUCKET] },
      ...{ everyMs: 1_000, passEveryMs: 60_000, sinceNanos: -(2n ** 63n) + 2n, horizonMs: undefined },
      ...{ createBuckets: true, deep: false, deletes: false, told: (change) => changes.push(change) },
      ...options,
    })
  return {
    ...{ clock, source, target, changes, mirror: make },
    once: async (options) => {
      const mirror = make(options)
      let isOver = false
      const running = mirror.run(new AbortController().signal, { once: true }).finally(() => {
        isOver = true
      })
      running.catch(() => undefined)
      await clock.until('the pass is over', () => isOver, 3_600_000)
      await running
      return mirror
    },
  }
}

/** `count` points of each of some series, a minute apart, the last one now. */
export function series(clock: ManualClock, names: readonly string[], count: number): readonly MemoryPoint[] {
  const now = nanosOf(clock.wallMs())
  return names.flatMap((name, at) =>
    Array.from({ length: count }, (_, i) => ({
      ...{ series: name, field: 'k', time: now - BigInt(count - i) * 60_000_000_000n, value: `${i + at}.5` },
    })),
  )
}

export function away(): TidemarkError {
  return new TidemarkError('store-unavailable', 'nothing answers')
}
