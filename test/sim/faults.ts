/** Which faults a seed has, how often, and whether one strikes now: each class draws from a stream of its own. */

import { Chance } from './chance.ts'

/** Struck at single calls: the rate is the probability of each. */
const CALL_FAULTS = {
  'ack-lost': 'the log appended the records, the writer gets log-unavailable',
  'part-appended': 'the log appended the first of the records, the writer gets log-unavailable',
  'sent-twice': 'the log appends the records a second time, soon after',
  'sent-late': 'the writer gets log-unavailable, the records are appended much later',
  'call-slow': 'a call to the log takes seconds',
  'commit-lost': 'an offset is committed, the reader gets log-unavailable',
  'landing-unanswered': 'the store holds the readings, the sink gets store-unavailable',
  'landing-halved': 'the store holds the first half of the readings, the sink gets store-unavailable',
  'save-unanswered': 'the ledger is saved, recovery gets ledger-unavailable',
  'sync-fails': 'a sync of a journal fails, once; part of it may be on disk',
  'killed-at-await': 'a process is killed in the moment in which it would go on',
} as const

/** Struck in time: the rate is so many a virtual minute. */
const TIMED_FAULTS = {
  'log-away': 'the log answers nobody for a while',
  'log-crash': 'the log is killed and starts again',
  'member-evicted': 'a consumer loses its partitions while it works on',
  'member-joins': 'a second sink or recovery joins the group, and leaves again',
  'topic-lags': 'the sinks of a store get what is new on one of their topics much later than what is new on the other',
  'log-trimmed': 'retention removes what the log holds, read or not',
  'offsets-reset': 'the offsets of a sink jump to the beginning, the end or between',
  'store-away': 'a store answers nobody for a while, seldom for most of the run',
  'store-crash': 'a store is killed and starts again',
  'store-restored': 'a store comes back from an older backup, with a new generation',
  'store-wiped': 'a store comes back empty',
  'ledger-away': 'the ledger store answers nobody for a while',
  'link-cut': 'nothing passes between a gateway and the log',
  'link-stalls': 'what a gateway sends is held up, and passes later',
  'link-mute': 'a gateway can read from the log, and not write to it',
  'link-deaf': 'a gateway can write to the log, and not read from it',
  'clock-jumps': 'the wall clock of a machine jumps',
  'clock-drifts': 'the clocks of a machine run fast or slow',
  'gateway-crash': 'a gateway is killed and starts again',
  'gateway-restart': 'a gateway is asked to end, and starts again',
  'sink-crash': 'a sink is killed and starts again',
  'recovery-crash': 'recovery is killed and starts again',
  'process-frozen': 'a process stands still longer than its deadlines',
  'disk-replaced': 'a gateway comes back with an empty disk under its old name',
} as const

/** Of the whole run: the rate is the probability that it has them. */
const RUN_FAULTS = {
  'reading-refused': 'the store can never hold some readings',
  'boots-in-1970': 'a gateway whose clock keeps no time begins at 1970 at each start',
  'journal-small': 'the journal has room for a part of the readings, and drops the oldest',
  'journal-forgets': 'confirmed readings and identities leave the journal within seconds',
} as const

const ALL = { ...CALL_FAULTS, ...TIMED_FAULTS, ...RUN_FAULTS }
export type FaultClass = keyof typeof ALL
export type TimedFault = keyof typeof TIMED_FAULTS
export type Rates = Readonly<Partial<Record<FaultClass, number>>>

export const FAULT_CLASSES = Object.keys(ALL) as readonly FaultClass[]
export const TIMED_CLASSES = Object.keys(TIMED_FAULTS) as readonly TimedFault[]

/** Many calls, or much harm. */
const RARER: Readonly<Partial<Record<FaultClass, number>>> = {
  'sync-fails': 10,
  'killed-at-await': 30,
  'disk-replaced': 4,
}

/**
 * Where one of these is on, something may be asked for in vain. What takes from a store, or from its way, what it had or was bound to come to, makes it
 * be asked for again; what is slow lets a request cross with the answer to the one before it.
 */
export const EXCUSING: readonly FaultClass[] = [
  'log-trimmed',
  'offsets-reset',
  'store-wiped',
  'store-restored',
  'call-slow',
  'sent-late',
  'process-frozen',
]

/** A random subset of the classes at random rates. One seed of twelve has none, one of four none that excuses needless requests. */
export function swarm(seed: number, denser = 1): Rates {
  const chance = new Chance(seed, 'swarm')
  const part = chance.hits(1 / 12) ? 0 : chance.pick([0.1, 0.2, 0.3, 0.5])
  const isExact = chance.hits(1 / 4)
  const rates: Partial<Record<FaultClass, number>> = {}
  for (const kind of FAULT_CLASSES) {
    const on = chance.hits(part)
    const rate =
      kind in CALL_FAULTS ? chance.skewed(0.003, 0.2) : kind in TIMED_FAULTS ? denser * chance.skewed(0.3, 6) : 1
    if (on && !(isExact && EXCUSING.includes(kind))) rates[kind] = rate / (RARER[kind] ?? 1)
  }
  return rates
}

export class Faults {
  readonly counts = new Map<FaultClass, number>()
  readonly rates: Rates
  /** Off from the moment everything is healed. */
  active = true
  readonly #seed: number
  readonly #streams = new Map<FaultClass, Chance>()

  constructor(seed: number, rates: Rates) {
    this.#seed = seed
    this.rates = rates
    for (const kind of FAULT_CLASSES)
      if (kind in RUN_FAULTS && kind in rates && kind !== 'reading-refused') this.count(kind)
  }

  chance(kind: FaultClass): Chance {
    const held = this.#streams.get(kind) ?? new Chance(this.#seed, `fault ${kind}`)
    this.#streams.set(kind, held)
    return held
  }

  /** Whether this call is struck; counted where it is. */
  hits(kind: FaultClass): boolean {
    const rate = this.rates[kind]
    if (!this.active || rate === undefined || !this.chance(kind).hits(rate)) return false
    this.count(kind)
    return true
  }

  /** Whether the whole run has it. */
  has(kind: FaultClass): boolean {
    return (this.rates[kind] ?? 0) > 0
  }

  count(kind: FaultClass): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }
}
