/** Log records to ledger events: which gateway each concerns, and what it says. Pure but for decoding. */

import type { WireCodec } from '../../schemas/codec.ts'
import type { GatewayId } from '../../schemas/reading.ts'
import type { LedgerEvent } from '../core/fold.ts'
import { answerFromHeaders, markFromHeaders } from '../core/headers.ts'
import type { LogRecord } from '../ports/message-log.ts'

/** `gateway: null` concerns every gateway of the partition. `undecodable` is counted and left on the log for who wants to look. */
export type RecoveryEvent =
  | { readonly gateway: GatewayId | null; readonly event: LedgerEvent }
  | { readonly undecodable: string }

export const RECOVERY_GROUP = 'recovery'

export const RECOVERY_TOPICS = ['landings', 'connection_status', 'readings', 'recovery_data'] as const

export async function eventOf(record: LogRecord, codec: WireCodec): Promise<RecoveryEvent | undefined> {
  const gateway = record.key as GatewayId
  switch (record.topic) {
    case 'readings': {
      const mark = markFromHeaders(record.headers)
      if (mark === undefined) return undefined
      return { gateway, event: { kind: 'mark', ...mark, offset: record.offset, appendedMs: record.appendedMs } }
    }
    case 'recovery_data': {
      const answer = answerFromHeaders(record.headers)
      return answer === undefined ? undefined : { gateway, event: { kind: 'answer', ...answer, offset: record.offset } }
    }
    case 'connection_status': {
      const decoded = await codec.decode('connection_status', record.value ?? new Uint8Array(0))
      if (!decoded.ok) return { undecodable: decoded.reason }
      if (decoded.record.gateway !== gateway) return { undecodable: 'the key is not the gateway in the record' }
      return { gateway, event: { kind: 'status', status: decoded.record, appendedMs: record.appendedMs } }
    }
    default:
      return landingsEvent(record, codec)
  }
}

async function landingsEvent(record: LogRecord, codec: WireCodec): Promise<RecoveryEvent> {
  const decoded = await codec.decode('landings', record.value ?? new Uint8Array(0))
  if (!decoded.ok) return { undecodable: decoded.reason }
  const { offset } = record
  const said = decoded.record
  if (said.kind === 'position') return { gateway: null, event: { kind: 'position', record: said, offset } }
  if (said.gateway !== record.key) return { undecodable: 'the key is not the gateway in the record' }
  const gateway = said.gateway
  if (said.kind === 'landings') return { gateway, event: { kind: 'landings', record: said, offset } }
  if (said.kind === 'revoked') return { gateway, event: { kind: 'revoked', record: said, offset } }
  return { gateway, event: { kind: 'written-off', record: said, offset } }
}
