/** Every scenario, in the order in which they run; each group has engines and services of its own. */

import { CUT, INFLUXDB_AWAY, KILL_ENGINES, LOST_REPLIES, REGISTRY_STOPPED } from './engine-faults.ts'
import { KILL_GATEWAY, KILL_SERVICES, PAUSED_SINK, SECOND_SINK } from './process-faults.ts'
import { REPLAYS } from './replays.ts'
import type { Scenario } from './scenario.ts'

/** The first group fills its stores: what stands in for MongoDB would then be slow for the others. */
export const GROUPS: readonly (readonly Scenario[])[] = [
  [CUT, ...REPLAYS],
  [
    KILL_GATEWAY,
    ...KILL_SERVICES,
    ...KILL_ENGINES,
    SECOND_SINK,
    PAUSED_SINK,
    REGISTRY_STOPPED,
    LOST_REPLIES,
    INFLUXDB_AWAY,
  ],
]
