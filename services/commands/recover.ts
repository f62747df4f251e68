/** `tidemark recover`: asks a gateway by hand for everything it holds of a past window of time. */

import type { GatewayId } from '../../schemas/reading.ts'
import { formatInstant, parseInstant } from '../../schemas/time.ts'
import { TidemarkError } from '../core/errors.ts'
import type { CommandContext, ExitCode } from './context.ts'

export interface RecoverOptions {
  readonly gateway: string
  /** RFC 3339; `to` is not included. */
  readonly from: string
  readonly to: string
}

export async function runRecover(context: CommandContext, options: RecoverOptions): Promise<ExitCode> {
  const { ledger, messageLog, codec, clock, random } = context
  const fromMs = instantMs('--from', options.from)
  const toMs = instantMs('--to', options.to)
  if (toMs <= fromMs)
    throw new TidemarkError('usage-wrong', `expected --to after --from, came ${options.from} and ${options.to}`)
  const gateway = options.gateway as GatewayId
  const known = await ledger.gateways()
  if (!known.includes(gateway))
    throw new TidemarkError('usage-wrong', `no gateway '${gateway}'; known are ${known.join(', ')}`)
  const requestId = random.id()
  const request = { requestId, gateway, timeMs: clock.wallMs(), ranges: [], window: { fromMs, toMs }, attempt: 1 }
  const value = await codec.encode('recovery_data_request', request)
  await messageLog.produce('recovery_data_request', [{ key: gateway, value }])
  const span = `${formatInstant({ ms: fromMs, ns: 0 })} … ${formatInstant({ ms: toMs, ns: 0 })}`
  await context.out(`${gateway}: asked for ${span} as request ${requestId}\n`)
  return 0
}

function instantMs(option: string, text: string): number {
  const instant = parseInstant(text)
  if ('reason' in instant) throw new TidemarkError('usage-wrong', `${option}: ${instant.reason}`)
  return instant.ms
}
