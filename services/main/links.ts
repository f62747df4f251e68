/** Which gateways' links are cut by hand, kept in a file so that a restart inside an outage is one. */

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { GatewayId } from '../../schemas/reading.ts'

export interface Cut {
  readonly gateway: GatewayId
  /** Wall time in ms at which it ends by itself. */
  readonly untilMs?: number | undefined
}

export function readCuts(path: string): readonly Cut[] {
  try {
    const cuts: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Array.isArray(cuts) ? (cuts as Cut[]) : []
  } catch {
    // No file, or not a whole one: a cut is a toy of trials, not worth refusing to start.
    return []
  }
}

export function writeCuts(path: string, cuts: readonly Cut[]): void {
  writeFileSync(`${path}.new`, JSON.stringify(cuts))
  renameSync(`${path}.new`, path)
}
