/** Runs contenders in turn and prints the medians of what they did, each figure with its floor. */

import type { Measured } from './run.ts'

type Runs = Readonly<Record<string, () => Promise<Measured>>>

export interface Floors {
  readonly perSMin?: number
  /** Of the bare client's rate. */
  readonly ratioMin?: number
  readonly cpuUsMax?: number
  readonly peakMbMax?: number
}

/** Once each, then once each again: what disturbs the machine for a while disturbs all of them. */
export async function inTurn<R extends Runs>(
  lane: string,
  rounds: number,
  runs: R,
): Promise<{ readonly [Name in keyof R]: Measured }> {
  const measured = new Map<string, Measured[]>()
  for (let round = 1; round <= rounds; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const each = await run()
      progress(`${lane}, round ${round} of ${rounds}, ${name}: ${perS(each)}, ${each.cpuUs.toFixed(1)} µs`)
      measured.set(name, [...(measured.get(name) ?? []), each])
    }
  }
  const medians = [...measured].map(([name, each]) => [name, medianOf(each)])
  return Object.fromEntries(medians) as { readonly [Name in keyof R]: Measured }
}

/** `than` is what `what` is held against. */
export function tell(title: string, what: Measured, than: Measured, thanName: string, floors: Floors): void {
  const ratio = what.perS / than.perS
  const { perSMin, ratioMin, cpuUsMax, peakMbMax } = floors
  say(title, perS(what), atLeast(what.perS, perSMin))
  say(`  of ${thanName} (${perS(than)}, ${than.cpuUs.toFixed(1)} µs)`, ratio.toFixed(2), atLeast(ratio, ratioMin))
  say('  CPU', `${what.cpuUs.toFixed(1)} µs a reading`, atMost(what.cpuUs, cpuUsMax))
  const peakMb = what.peakBytes / 1e6
  say('  memory, peak', `${peakMb.toFixed(0)} MB`, atMost(peakMb, peakMbMax))
}

export function progress(what: string): void {
  process.stderr.write(`… ${what}\n`)
}

function say(what: string, figure: string, verdict: string): void {
  process.stdout.write(`${what.padEnd(60)} ${figure.padEnd(24)} ${verdict}`.trimEnd().concat('\n'))
}

function atLeast(value: number, floor: number | undefined): string {
  return floor === undefined ? '' : `at least ${floor.toLocaleString('en')}: ${value >= floor ? 'met' : 'below'}`
}

function atMost(value: number, ceiling: number | undefined): string {
  return ceiling === undefined ? '' : `at most ${ceiling.toLocaleString('en')}: ${value <= ceiling ? 'met' : 'above'}`
}

function perS({ perS }: Measured): string {
  return `${Math.round(perS).toLocaleString('en')} readings/s`
}

function medianOf(runs: readonly Measured[]): Measured {
  const median = (of: (run: Measured) => number): number => {
    const sorted = runs.map(of).toSorted((a, b) => a - b)
    const middle = sorted.length >> 1
    const upper = sorted[middle] ?? 0
    return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
  }
  return {
    perS: median((run) => run.perS),
    cpuUs: median((run) => run.cpuUs),
    peakBytes: median((run) => run.peakBytes),
  }
}
