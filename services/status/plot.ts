/** The readings of one sensor in a window of time, as columns for a plot, from the first required store that can be read. */

import type { GatewayId, Instant } from '../../schemas/reading.ts'
import { TidemarkError } from '../core/errors.ts'
import type { ReadingFilter, ReadingStore, StoredReading } from '../ports/reading-store.ts'
import type { Plot } from './page-api.ts'
import { addRow, type Columns, emptyColumns, thinned } from './thinning.ts'

export interface PlotQuestion {
  readonly gateway: string
  readonly type: string
  readonly sensor: string
  /** `to` is not included. */
  readonly fromMs: number
  readonly toMs: number
  /** At most about so many. */
  readonly points: number
}

/** A required store, opened when it is first asked for. */
export interface PlotStore {
  readonly name: string
  open(): Promise<ReadingStore>
}

/** Of a window that holds more, the rest is read in parts, the beginning of each, so that the newest is among them. */
const WHOLE_MAX = 60_000
const PARTS = 40
const PART_MAX = 1_000
/** These keep how a reading came. */
const KEEP_SOURCE = ['embedded', 'mongodb']

interface Window {
  readonly columns: Columns
  readings: number
  more: boolean
}

/** `breathe` lets everybody else in the process have their turn. */
export async function plotOf(
  stores: readonly PlotStore[],
  question: PlotQuestion,
  breathe: () => Promise<void>,
  signal: AbortSignal,
): Promise<Plot> {
  const refusals: string[] = []
  for (const { name, open } of stores.toSorted((x, y) => rank(x) - rank(y))) {
    try {
      const { columns, readings, more } = await readWindow(await open(), question, breathe, signal)
      const { timeMs, fields, recovered } = thinned(columns, question.points)
      const { type, sensor } = question
      return {
        store: name,
        type,
        sensor,
        time_ms: timeMs,
        fields: Object.fromEntries(fields),
        recovered,
        readings,
        more,
      }
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof TidemarkError)) throw error
      refusals.push(`${name}: ${error.message}`)
    }
  }
  throw new TidemarkError('store-unavailable', refusals.join('; '))
}

function rank({ name }: PlotStore): number {
  return KEEP_SOURCE.includes(name) ? 0 : 1
}

async function readWindow(
  store: ReadingStore,
  question: PlotQuestion,
  breathe: () => Promise<void>,
  signal: AbortSignal,
): Promise<Window> {
  const { fromMs, toMs } = question
  const window: Window = { columns: emptyColumns(), readings: 0, more: false }
  const read = (from: number, to: number, limit: number): Promise<boolean> =>
    readPart(store, { ...question, fromMs: from, toMs: to }, { window, limit, breathe, signal })
  if (await read(fromMs, toMs, WHOLE_MAX)) return window
  window.more = true
  const restMs = (window.columns.timeMs.at(-1) ?? fromMs) + 1
  const partMs = Math.max(1, Math.ceil((toMs - restMs) / PARTS))
  for (let from = restMs; from < toMs; from += partMs) await read(from, Math.min(toMs, from + partMs), PART_MAX)
  return window
}

/** Resolves with whether that was all of it. */
async function readPart(
  store: ReadingStore,
  { gateway, type, sensor, fromMs, toMs }: PlotQuestion,
  {
    window,
    limit,
    breathe,
    signal,
  }: {
    readonly window: Window
    readonly limit: number
    readonly breathe: () => Promise<void>
    readonly signal: AbortSignal
  },
): Promise<boolean> {
  const filter: ReadingFilter = { gateway: gateway as GatewayId, type, sensor, from: at(fromMs), to: at(toMs) }
  let left = limit
  for await (const batch of store.read(filter, signal)) {
    signal.throwIfAborted()
    for (const stored of batch) {
      if (left === 0) return false
      left -= 1
      window.readings += 1
      addRow(window.columns, stored.reading.ms, numbersOf(stored), stored.source === 'recovery')
    }
    await breathe()
  }
  return true
}

function* numbersOf({ reading }: StoredReading): Generator<readonly [string, number]> {
  for (const [field, value] of Object.entries(reading.values)) {
    if (typeof value !== 'string') yield [field, Number(value)]
  }
}

function at(ms: number): Instant {
  return { ms: Math.floor(ms), ns: 0 }
}
