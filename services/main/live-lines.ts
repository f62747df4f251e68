/** The live lines of `up`: one a gateway, saying where its readings are now. */

import type { GatewayVerdict } from '../core/verdict.ts'
import type { HostedGateway } from './hosted-gateways.ts'

const LINES_MAX = 20

export function liveLines(gateways: readonly HostedGateway[], verdicts: readonly GatewayVerdict[]): readonly string[] {
  const width = Math.max(...gateways.map(({ id }) => id.length), 0)
  const lines = gateways.slice(0, LINES_MAX).map((hosted) => {
    const verdict = verdicts.find((each) => each.gateway === hosted.id)
    const { readings, unconfirmed } = hosted.journal.usage()
    const stores = Object.entries(verdict?.stores ?? {})
    const landed = stores
      .map(([store, { landed: count }]) => (stores.length === 1 ? count : `${store} ${count}`))
      .join(', ')
    const missing = stores.reduce((most, [, each]) => Math.max(most, each.missing), 0)
    const link = hosted.link.isCut ? 'CUT' : hosted.gateway.uplink.up ? 'up ' : '…  '
    return [
      `${hosted.id.padEnd(width)}  link ${link}`,
      `journal ${readings} (${unconfirmed} unconfirmed)`,
      `on the log ${verdict?.accepted ?? 0}`,
      `landed ${landed === '' ? 0 : landed}`,
      `missing ${missing}`,
      verdict?.state ?? 'unknown',
    ].join('  ')
  })
  const more = gateways.length - LINES_MAX
  return more > 0 ? [...lines, `… and ${more} more gateways`] : lines
}
