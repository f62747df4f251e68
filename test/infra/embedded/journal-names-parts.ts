/** A journal with a copy of its names, and which of its blocks a damage leaves. */

import { openJournal } from '../../../infra/embedded/journal.ts'
import { blockOf } from '../../../infra/embedded/journal-blocks.ts'
import { readJournalRows } from '../../../infra/embedded/journal-check-rows.ts'
import type { WarningLog } from '../../../infra/embedded/journal-room.ts'
import { openLmdbKv } from '../../../infra/embedded/lmdb-kv.ts'
import type { Epoch, GatewayId, Range } from '../../../schemas/reading.ts'
import { contains, rangeSet } from '../../../services/core/range-set.ts'
import type { Journal } from '../../../services/ports/journal.ts'
import { type Accepted, GATEWAY } from '../../support/journal-file.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { steppedClock } from '../../support/stepped-clock.ts'

export interface CopiedOptions {
  readonly path: string
  readonly namesPath: string
  readonly seed?: number
  readonly maxBytes?: number
  readonly gateway?: GatewayId
  readonly logger?: WarningLog
}

export async function withCopiedJournal<T>(options: CopiedOptions, work: (journal: Journal) => Promise<T>): Promise<T> {
  const { path, namesPath, seed = 1, maxBytes = 1e9, gateway = GATEWAY, logger } = options
  await using kv = openLmdbKv(path)
  await using journal = await openJournal({
    kv,
    gateway,
    clock: steppedClock(Date.UTC(2026, 9, 20)),
    random: seededRandom(seed),
    buildMs: 0,
    settings: { maxBytes, keepMs: 0, whenFull: 'reject', identityKeepMs: 4e10 },
    namesPath,
    ...(logger === undefined ? {} : { logger }),
  })
  return await work(journal)
}

/** Whether the block of a reading stands in bytes of the file that `isLeft`, by where the undamaged file has it. */
export function survivors(
  path: string,
  isLeft: (fromPage: number, toPage: number) => boolean,
): (reading: Pick<Accepted, 'epoch' | 'seq'>) => boolean {
  using rows = readJournalRows(path)
  const left = new Map<Epoch, Range[]>()
  for (const row of rows?.of('B') ?? []) {
    const value = rows?.valueOf(row)
    const { page, at, bytes } = row.place
    if (value === undefined || !isLeft(page, page + Math.ceil((at + bytes) / 4096) - 1)) continue
    const { epochId, first, last } = blockOf(row.key, value)
    left.set(epochId, [...(left.get(epochId) ?? []), [first, last]])
  }
  const sets = new Map([...left].map(([epoch, ranges]) => [epoch, rangeSet(ranges)]))
  return ({ epoch, seq }) => contains(sets.get(epoch) ?? [], seq)
}
