/** `tidemark writeoff`: an operator declares positions of a gateway lost, with a reason. */

import type { Epoch, GatewayId } from '../../schemas/reading.ts'
import { TidemarkError } from '../core/errors.ts'
import { formatRanges, parseRanges } from '../core/headers.ts'
import { ledgerFromRows } from '../core/ledger.ts'
import { settledEverywhere } from '../core/missing.ts'
import { intersect, rangeSet, size, upTo } from '../core/range-set.ts'
import type { CommandContext, ExitCode } from './context.ts'

export interface WriteoffOptions {
  readonly gateway: string
  readonly epoch: string
  /** `A-B,C,D-`; an open end closes an epoch whose final is not known. */
  readonly ranges: string
  readonly reason: string
}

export async function runWriteoff(context: CommandContext, options: WriteoffOptions): Promise<ExitCode> {
  const { ledger, messageLog, codec, clock, settings } = context
  const gateway = options.gateway as GatewayId
  const ranges = parseRanges(options.ranges)
  if (ranges === undefined || ranges.length === 0) {
    throw new TidemarkError(
      'usage-wrong',
      `expected ranges such as 5-9,12 or 501- (to the end), came '${options.ranges}'`,
    )
  }
  if (options.reason.trim() === '')
    throw new TidemarkError('usage-wrong', 'expected a reason, it is kept for the record')
  const rows = await ledger.load(gateway)
  if (rows === undefined) throw new TidemarkError('usage-wrong', `no gateway '${gateway}' in the ledger`)
  const held = ledgerFromRows(rows)
  const epoch = held.epochs.get(options.epoch as Epoch)
  if (epoch === undefined) {
    throw new TidemarkError(
      'usage-wrong',
      `no epoch '${options.epoch}' of ${gateway}; 'tidemark proof --gateway ${gateway}' lists them`,
    )
  }
  const landed = size(
    intersect(rangeSet(ranges), intersect(upTo(epoch.bound), settledEverywhere(held, epoch, settings.stores))),
  )
  const partition = messageLog.partitionOf(gateway)
  const readingsNext = (await messageLog.offsets('readings'))[partition]?.next ?? 0
  const record = {
    kind: 'written-off' as const,
    gateway,
    timeMs: clock.wallMs(),
    lost: [{ epoch: epoch.epoch, ranges: rangeSet(ranges) }],
    reason: options.reason,
    readingsNext,
  }
  await messageLog.produce('landings', [{ key: gateway, value: await codec.encode('landings', record) }])
  await context.out(
    `${gateway} epoch ${epoch.epoch}: ${formatRanges(rangeSet(ranges))} written off: ${options.reason}\n`,
  )
  if (landed > 0)
    context.note(`${landed} of these positions are settled already: they stay so, landed comes before lost\n`)
  return 0
}
