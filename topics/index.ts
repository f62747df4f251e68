/** The map: every topic of the log. */

import { connectionStatus } from './connection-status.ts'
import { landings } from './landings.ts'
import { manifests } from './manifests.ts'
import { quarantine } from './quarantine.ts'
import { readings } from './readings.ts'
import { receipts } from './receipts.ts'
import { recoveryData } from './recovery-data.ts'
import { recoveryDataRequest } from './recovery-data-request.ts'
import type { Topic, TopicName } from './topic.ts'

export type { Topic, TopicName } from './topic.ts'
export { PARTITIONS } from './topic.ts'

export const TOPICS: Readonly<Record<TopicName, Topic>> = {
  readings,
  recovery_data: recoveryData,
  connection_status: connectionStatus,
  recovery_data_request: recoveryDataRequest,
  landings,
  receipts,
  manifests,
  quarantine,
}
