/** `tidemark link`: cuts or restores the link of a gateway that runs in `up`, to see the gap open and close. */

import type { GatewayId } from '../../schemas/reading.ts'
import { TidemarkError } from '../core/errors.ts'
import { formatDuration } from '../core/quantities.ts'
import { SILENT_HEARTBEATS } from '../core/request-rule.ts'
import type { CommandContext, ExitCode } from './context.ts'

export interface LinkOptions {
  readonly action: 'cut' | 'restore'
  readonly gateway: string
  /** For `cut`: restores it after that time. */
  readonly forMs?: number | undefined
}

export async function runLink(context: CommandContext, { action, gateway, forMs }: LinkOptions): Promise<ExitCode> {
  const { running } = context
  if (running === undefined) throw new TidemarkError('not-running', "start it with 'tidemark up', then cut the link")
  if (!running.links().some((link) => link.gateway === gateway)) {
    const known = running.links().map((link) => link.gateway)
    throw new TidemarkError('usage-wrong', `no gateway '${gateway}' runs here; expected one of ${known.join(', ')}`)
  }
  running.setLink(gateway as GatewayId, action === 'cut', forMs)
  const until = forMs === undefined ? '' : ` for ${formatDuration(forMs)}`
  const seenMs = SILENT_HEARTBEATS * context.settings.heartbeatMs
  const sayCut = `link cut${until}; what it accepts now waits in its journal, and proof calls it open within ${formatDuration(seenMs)}`
  await context.out(`${gateway}: ${action === 'cut' ? sayCut : 'link restored'}\n`)
  return 0
}
