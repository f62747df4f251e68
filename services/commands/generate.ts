/** `tidemark generate`: seeded sensor data for trials, through the doors of gateways. */

import { isName } from '../../schemas/names.ts'
import type { Instant } from '../../schemas/reading.ts'
import { addNanos, parseInstant } from '../../schemas/time.ts'
import { TidemarkError } from '../core/errors.ts'
import type { ExitCode } from './context.ts'
import type { SendContext } from './door-client.ts'
import { type DoorSender, doorSender, type Sent } from './door-sender.ts'
import { type MadeSensor, madeReading, madeSensors } from './generate-readings.ts'
import { counted, progressBar } from './progress-bar.ts'

export interface GenerateOptions {
  readonly url: string
  readonly token?: string | undefined
  /** 1 when absent. More than one are called `gateway-1`, `gateway-2` … */
  readonly gateways?: number | undefined
  /** The one gateway's id; the default one of the process when absent. */
  readonly gateway?: string | undefined
  /** Beside the two ramps, per gateway; 10 when absent. */
  readonly sensors?: number | undefined
  /** Readings a second over all gateways. Without it as fast as they are taken. */
  readonly ratePerS?: number | undefined
  /** Readings over all gateways. 10,000 when there is no rate either, without end when there is. */
  readonly count?: number | undefined
  /** 1 when absent. */
  readonly seed?: number | undefined
  /** Time of the first reading, RFC 3339. Now with a rate, else 2024-01-01T00:00:00Z, so that the same seed gives the same readings. */
  readonly start?: string | undefined
}

interface Series {
  readonly gateway: string | undefined
  readonly made: MadeSensor
}

const FIXED_START = '2024-01-01T00:00:00Z'
const GAP_S = 1
const COUNT = 10_000
const SENSORS = 10
const BATCH_READINGS = 1_000
const AT_ONCE = 5_000
const TICK_MS = 100

/** 0 when every reading was taken or there already, 1 when any was refused. Without a count it runs until it is stopped. */
export async function runGenerate(context: SendContext, options: GenerateOptions): Promise<ExitCode> {
  const { seed = 1, sensors = SENSORS, ratePerS } = options
  checkNumbers(options)
  const total = options.count ?? (ratePerS === undefined ? COUNT : Number.POSITIVE_INFINITY)
  const series = seriesOf(gatewaysOf(options), seed, sensors)
  const start = startOf(options, context)
  const gapS = ratePerS === undefined ? GAP_S : series.length / ratePerS
  await using client = context.openDoor(options.url, options.token)
  const bar = progressBar(context, 'generate')
  const sender = doorSender(client, { ...context, note: bar.note })
  const totals = generateTotals()
  try {
    for await (const [from, to] of portions(context, total, ratePerS)) {
      await sendPortion(sender, totals, { from, to, series, start, gapS })
      bar.show(to, Number.isFinite(total) ? to / total : undefined)
    }
  } catch (error) {
    if (!context.signal.aborted) throw error
  } finally {
    bar.clear()
    await totals.print(context, ratePerS === undefined)
  }
  const stoppedEarly = context.signal.aborted && Number.isFinite(total)
  return totals.refused() > 0 || stoppedEarly ? 1 : 0
}

/** Which readings are due now: `[from, to)`, by rate or as fast as they go. */
async function* portions(
  { clock, signal }: SendContext,
  total: number,
  ratePerS: number | undefined,
): AsyncGenerator<readonly [from: number, to: number]> {
  const startedMs = clock.monotonicMs()
  for (let from = 0; from < total; ) {
    signal.throwIfAborted()
    const due = ratePerS === undefined ? total : 1 + Math.floor((ratePerS * (clock.monotonicMs() - startedMs)) / 1_000)
    const to = Math.min(total, due, from + AT_ONCE)
    if (to > from) yield [from, to]
    from = Math.max(from, to)
    if (due <= from && from < total) await clock.sleep(TICK_MS, signal)
  }
}

interface Portion {
  readonly from: number
  readonly to: number
  readonly series: readonly Series[]
  readonly start: Instant
  readonly gapS: number
}

/** Reading `k` is the next one of series `k mod n`. */
async function sendPortion(
  sender: DoorSender,
  totals: Totals,
  { from, to, series, start, gapS }: Portion,
): Promise<void> {
  const batches = new Map<string | undefined, string[]>()
  const flush = async (gateway: string | undefined, texts: readonly string[]): Promise<void> => {
    totals.add(await sender.send({ kind: 'json', texts, query: gateway === undefined ? {} : { gateway } }))
  }
  for (let k = from; k < to; k++) {
    const one = series[k % series.length]
    if (one === undefined) continue
    const n = Math.floor(k / series.length)
    const texts = batches.get(one.gateway) ?? []
    batches.set(one.gateway, texts)
    texts.push(madeReading(one.made, n, timeOf(start, n * gapS)))
    if (texts.length < BATCH_READINGS) continue
    batches.delete(one.gateway)
    await flush(one.gateway, texts)
  }
  for (const [gateway, texts] of batches) await flush(gateway, texts)
}

function timeOf(start: Instant, afterS: number): Instant {
  const wholeS = Math.floor(afterS)
  return addNanos({ ms: start.ms + wholeS * 1_000, ns: start.ns }, Math.round((afterS - wholeS) * 1e9))
}

function seriesOf(gateways: readonly (string | undefined)[], seed: number, sensors: number): readonly Series[] {
  return gateways.flatMap((gateway) =>
    madeSensors({ seed, gateway: gateway ?? '', sensors }).map((made) => ({ gateway, made })),
  )
}

function gatewaysOf({ gateway, gateways = 1 }: GenerateOptions): readonly (string | undefined)[] {
  if (gateway !== undefined && gateways > 1) throw usage('expected either --gateway ID or --gateways N, came both')
  if (gateway !== undefined && !isName(gateway)) throw usage(`${JSON.stringify(gateway)} is no name of a gateway`)
  return gateways === 1 ? [gateway] : Array.from({ length: gateways }, (_, i) => `gateway-${i + 1}`)
}

function startOf({ start, ratePerS }: GenerateOptions, { clock }: SendContext): Instant {
  if (start === undefined && ratePerS !== undefined) return { ms: Math.floor(clock.wallMs()), ns: 0 }
  const parsed = parseInstant(start ?? FIXED_START)
  if ('reason' in parsed) throw usage(`--start ${parsed.reason}`)
  return parsed
}

function checkNumbers({ gateways = 1, sensors = SENSORS, ratePerS = 1, count = 1, seed = 1 }: GenerateOptions): void {
  const faults = [
    ...(Number.isInteger(gateways) && gateways >= 1 && gateways <= 1_000
      ? []
      : ['--gateways is a number from 1 to 1000']),
    ...(Number.isInteger(sensors) && sensors >= 0 && sensors <= 100_000
      ? []
      : ['--sensors is a number from 0 to 100000']),
    ...(ratePerS > 0 && Number.isFinite(ratePerS) ? [] : ['--rate is a number of readings a second above 0']),
    ...(Number.isSafeInteger(count) && count >= 1 ? [] : ['--count is a whole number from 1 on']),
    ...(Number.isSafeInteger(seed) ? [] : ['--seed is a whole number']),
  ]
  if (faults.length > 0) throw usage(faults.join('; '))
}

interface Totals {
  add(sent: Sent): void
  refused(): number
  print(context: SendContext, repeatable: boolean): Promise<void>
}

function generateTotals(): Totals {
  let accepted = 0
  let duplicates = 0
  const refused = new Map<string, { count: number; readonly reason: string }>()
  const refusedSum = (): number => [...refused.values()].reduce((sum, { count }) => sum + count, 0)
  return {
    add: (sent) => {
      accepted += sent.accepted
      duplicates += sent.duplicates
      for (const { code, reason } of sent.refused) {
        const held = refused.get(code)
        if (held === undefined) refused.set(code, { count: 1, reason })
        else held.count++
      }
    },
    refused: refusedSum,
    print: async ({ out, note }, repeatable) => {
      await out(`${counted(accepted)} accepted, ${counted(duplicates)} duplicates, ${counted(refusedSum())} refused\n`)
      for (const [code, { count, reason }] of refused) note(`${counted(count)} × ${code}: ${reason}\n`)
      if (duplicates > 0 && repeatable)
        note('the same seed gives the same readings: take another --seed for new ones\n')
    },
  }
}

function usage(detail: string): TidemarkError {
  return new TidemarkError('usage-wrong', detail)
}
