/** Asks a gateway for a window of one sensor and waits for the whole answer on the log. */

import type { Epoch, GatewayId, PositionedReading } from '../../schemas/reading.ts'
import type { RequestWindow } from '../../schemas/records/events.ts'
import type { CommandContext } from './context.ts'

export interface Answered {
  readonly epoch: Epoch
  readonly reading: PositionedReading
}

/** The readings of the answer, or undefined when it was not whole in time. The sinks land them beside this. */
export async function askGateway(
  context: CommandContext,
  gateway: GatewayId,
  window: RequestWindow,
  timeoutMs: number,
): Promise<readonly Answered[] | undefined> {
  const { messageLog, codec, clock, random, signal } = context
  const partition = messageLog.partitionOf(gateway)
  const from = (await messageLog.offsets('recovery_data'))[partition]?.next ?? 0
  const requestId = random.id()
  const request = { requestId, gateway, timeMs: clock.wallMs(), ranges: [], window, attempt: 1 }
  const value = await codec.encode('recovery_data_request', request)
  await messageLog.produce('recovery_data_request', [{ key: gateway, value }], signal)
  const late = new AbortController()
  const either = AbortSignal.any([signal, late.signal])
  const timer = clock.sleep(timeoutMs, either).then(
    () => late.abort(),
    () => undefined,
  )
  const out: Answered[] = []
  try {
    for await (const records of messageLog.tail({ topic: 'recovery_data', partition, from }, either)) {
      for (const record of records) {
        if (record.headers.request_id !== requestId) continue
        const decoded = await codec.decode('recovery_data', record.value ?? new Uint8Array(0))
        if (!decoded.ok) continue
        for (const reading of decoded.record.readings) out.push({ epoch: decoded.record.epoch, reading })
        if (decoded.record.answer?.lastPart === true) return out
      }
    }
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    if (late.signal.aborted) return undefined
    throw error
  } finally {
    late.abort()
    await timer
  }
}
