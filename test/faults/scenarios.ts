/** Every scenario, in the order in which they run. */

import { CLOCKS, FAR_CLOCKS } from './clocks.ts'
import { REPLAYS, TWO_LOADS, TWO_PROCESSES } from './company.ts'
import { FIRST_STARTS, KILLS, KILLS_IN_OUTAGES, STOPS, TERMS } from './kills.ts'
import { FILE_LIMIT, FULL_DISK } from './room.ts'
import type { Scenario } from './scenario.ts'
import { FOLDER_SYNC_ERRORS, SYNC_ERRORS } from './syncs.ts'

export const SCENARIOS: readonly Scenario[] = [
  FIRST_STARTS,
  KILLS,
  KILLS_IN_OUTAGES,
  STOPS,
  TERMS,
  ...SYNC_ERRORS,
  FOLDER_SYNC_ERRORS,
  FULL_DISK,
  FILE_LIMIT,
  CLOCKS,
  FAR_CLOCKS,
  TWO_PROCESSES,
  TWO_LOADS,
  REPLAYS,
]
