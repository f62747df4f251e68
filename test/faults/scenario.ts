/** What a scenario is, and how its outcome is told. */

import { type Outcome, Rig, type RigOptions } from './rig.ts'

export interface Plan {
  readonly seed: string
  /** How often the scenarios that kill do so. */
  readonly kills: number
  /** Fewer rounds, for a test run. */
  readonly short: boolean
}

export type Result =
  | { readonly kind: 'ran'; readonly outcome: Outcome }
  | { readonly kind: 'skipped'; readonly why: string }

export interface Scenario {
  readonly name: string
  /** The promise it tries to break. */
  readonly promise: string
  /** Runs only when it is named, because it is known to break: so. */
  readonly byHand?: string
  run(plan: Plan): Promise<Result>
}

const SHOWN = 20

/** Runs `body` against a rig of its own; whatever it throws is a failure that keeps the folder. */
export async function withRig(options: RigOptions, body: (rig: Rig) => Promise<void>): Promise<Result> {
  await using rig = new Rig(options)
  try {
    await body(rig)
  } catch (error) {
    rig.fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  return { kind: 'ran', outcome: await rig.finish() }
}

export function skipped(why: string): Result {
  return { kind: 'skipped', why }
}

/** Several lines: what happened, in numbers. */
export function outcomeText({ counts, log, checked, faults, failures, folder }: Outcome): string {
  const done = Object.entries(faults).map(([name, times]) => `${times} × ${name}`)
  const lines = [
    `  faults: ${done.join(', ') || 'none'}`,
    `  offered ${counts.offered} readings in ${counts.requests} requests: ${counts.ok} ok, ${counts.refused} refused, ${counts.unknown} unknown (${counts.noRoom} answers 5xx)`,
    `  duplicates removed: ${counts.duplicates} at the door, ${log.duplicates} by the store; outages ${log.outages}, requests ${log.requests} for ${log.positionsAsked} positions`,
    `  checked ${checked.readings} readings: ${checked.accepted} accepted, ${checked.unknown} for ever unknown, ${checked.held} in the store, ${checked.proofs} proofs`,
    ...failures.slice(0, SHOWN).map((each) => `  FAILED ${each}`),
    ...(failures.length > SHOWN ? [`  and ${failures.length - SHOWN} more failures`] : []),
    ...(failures.length > 0 ? [`  kept: ${folder}`] : []),
  ]
  return `${lines.join('\n')}\n`
}
