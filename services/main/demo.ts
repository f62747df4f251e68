/** Two demo gateways that measure something every second, so that a first look shows a pipeline at work. */

import { systemClock, systemRandom } from '../../infra/system.ts'
import type { GatewayId, Values } from '../../schemas/reading.ts'
import type { Offer } from '../ports/journal.ts'
import type { HostedGateways } from './hosted-gateways.ts'

const DEMO_GATEWAYS: readonly GatewayId[] = ['demo-1' as GatewayId, 'demo-2' as GatewayId]

const EVERY_MS = 1000

/** Runs until the signal aborts. */
export async function runDemo(gateways: HostedGateways, signal: AbortSignal): Promise<void> {
  await Promise.all(DEMO_GATEWAYS.map((id, i) => measure(gateways, id, i, signal)))
}

async function measure(gateways: HostedGateways, id: GatewayId, i: number, signal: AbortSignal): Promise<void> {
  const hosted = await gateways.open(id)
  while (hosted !== undefined && !signal.aborted) {
    await hosted.journal.append({ offers: offersAt(systemClock.wallMs() + i * 1000) }).catch(() => undefined)
    await systemClock.sleep(EVERY_MS, signal).catch(() => undefined)
  }
}

function offersAt(ms: number): readonly Offer[] {
  const day = (ms / 86_400_000) * 2 * Math.PI
  const warmth = Math.sin(day * 24)
  const about = (mean: number, spread: number): number =>
    Math.round((mean + (systemRandom.next() - 0.5) * spread) * 100) / 100
  const offer = (type: string, sensor: string, values: Values): Offer => ({ type, sensor, labels: {}, values })
  return [
    offer('temperature', 'roof', { temperature: about(14 + 6 * warmth, 0.4), pressure: about(1013, 1) }),
    offer('soil_moisture', 'bed-1', { moisture: about(31 - 4 * warmth, 0.6) }),
    offer('air_quality', 'gate', { pm2_5: about(9, 3), pm10: about(17, 5) }),
  ]
}
