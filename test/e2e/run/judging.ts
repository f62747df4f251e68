/** The end of every scenario: proof, both stores read back, the log's story, and the simulation's checker over all of it. */

import type { Proof } from '../../../services/commands/proof.ts'
import { type CheckReport, check } from '../../checker/checker.ts'
import type { Held, Offered, Placed, Proof as ShownProof } from '../../checker/history.ts'
import { type Cloud, STORES } from './cloud.ts'
import type { LogEnds, LogStory } from './log-story.ts'
import type { Readers } from './readers.ts'

export interface Case {
  readonly gateway: string
  readonly offered: readonly Offered[]
  /** Where the log ended before the first reading. */
  readonly from: LogEnds
  /** So many readings were taken while the link was cut: it has to be noticed, and they have to be asked for. */
  readonly missed: number
  /** Whether something may be asked for that the log holds already. */
  readonly asksAgain: boolean
}

export interface Judgement {
  readonly report: CheckReport
  readonly story: LogStory
  readonly held: Readonly<Record<(typeof STORES)[number], number>>
  /** What must not be. */
  readonly failures: readonly string[]
}

const WAIT_S = 90
const SHOWN = 10

/** Everything in `offered` was answered before, and the gateway runs. */
export async function judge(cloud: Cloud, readers: Readers, it: Case): Promise<Judgement> {
  const failures: string[] = []
  const begunAt = performance.now()
  const ran = await cloud.command('proof', '--gateway', it.gateway, '--json', '--wait', `${WAIT_S}s`)
  const [proof] = (parsed<Proof>(ran.out)?.gateways ?? []).filter(({ gateway }) => gateway === it.gateway)
  if (ran.code !== 0 || proof?.state !== 'complete') {
    const why = `${proof?.because.join('; ') ?? 'no proof'} ${ran.err.slice(-500)}`
    failures.push(`expected a complete proof within ${WAIT_S} s, came code ${ran.code}: ${why}`)
  }
  const [mongodb, influxdb, story] = await Promise.all([
    readers.held('mongodb', it.gateway),
    readers.held('influxdb', it.gateway),
    readers.story(it.gateway, it.from),
  ])
  const report = check({
    requiredStores: STORES,
    offered: it.offered,
    held: [...mongodb, ...influxdb],
    placed: mongodb.flatMap(placedOf),
    proofs: proof === undefined ? [] : [shownProof(proof, begunAt)],
    requests: story.asked,
    noConflicts: true,
    ...(it.asksAgain ? {} : { needlessMax: 0 }),
  })
  for (const each of report.verdicts.slice(0, SHOWN)) {
    failures.push(`${each.class}: ${each.identity}: ${each.detail} (last seen: ${each.lastSeen})`)
  }
  if (report.verdicts.length > SHOWN) failures.push(`and ${report.verdicts.length - SHOWN} more verdicts`)
  if (proof !== undefined && proof.settled !== mongodb.length) {
    failures.push(`the proof counts ${proof.settled} settled readings, MongoDB holds ${mongodb.length}`)
  }
  if (story.positionsAsked < it.missed || (it.missed > 0 && story.outages === 0)) {
    const seen = `${story.outages} outages and ${story.positionsAsked} positions asked for`
    failures.push(
      `the link was cut while ${it.missed} readings came: expected an outage and as many asked for, came ${seen}`,
    )
  }
  if (story.quarantined > 0) failures.push(`${story.quarantined} readings in quarantine`)
  failures.push(...differences(mongodb, influxdb))
  return { report, story, held: { mongodb: mongodb.length, influxdb: influxdb.length }, failures }
}

/** Identity by identity, values to the bit. */
export function differences(mongodb: readonly Held[], influxdb: readonly Held[]): readonly string[] {
  const found: string[] = []
  const inInfluxdb = new Map(influxdb.map((each) => [identityOf(each), each.values]))
  for (const each of mongodb) {
    const identity = identityOf(each)
    const other = inInfluxdb.get(identity)
    inInfluxdb.delete(identity)
    if (other === each.values) continue
    found.push(`${identity}: MongoDB holds ${each.values}, InfluxDB ${other ?? 'nothing'}`)
  }
  found.push(...[...inInfluxdb].map(([identity, values]) => `${identity}: only InfluxDB holds ${values}`))
  if (mongodb.length !== influxdb.length) {
    found.push(`MongoDB holds ${mongodb.length} readings, InfluxDB ${influxdb.length}`)
  }
  return found.length <= SHOWN ? found : [...found.slice(0, SHOWN), `and ${found.length - SHOWN} more differences`]
}

function identityOf({ gateway, type, sensor, time }: Held): string {
  return `${gateway}/${type}/${sensor}/${time}`
}

function placedOf({ unique, gateway, position }: Held): readonly Placed[] {
  return unique === null || position === undefined ? [] : [{ unique, gateway, ...position }]
}

function shownProof({ gateway, state, epochs }: Proof['gateways'][number], begunAt: number): ShownProof {
  const missing = epochs.map((each) => ({ epoch: each.epoch, ranges: each.missing }))
  return { gateway, state, at: Number.POSITIVE_INFINITY, coversAnsweredBefore: begunAt, missing }
}

function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}
