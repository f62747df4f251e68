/** One line of progress on a terminal: how far, how fast, how long still; nothing at all elsewhere. */

import type { Clock } from '../ports/clock.ts'

export interface ProgressOutput {
  readonly clock: Clock
  /** Standard error is one. */
  readonly terminal: boolean
  readonly columns?: number
  note(text: string): void
}

export interface ProgressOptions {
  /** What is counted; readings when absent. */
  readonly unit?: string
  /** Nothing is drawn, as with `--json`. */
  readonly quiet?: boolean | undefined
}

export interface ProgressBar {
  /** `part` is 0…1, undefined where the end is not known. `said` stands in place of the count and its rate. */
  show(done: number, part: number | undefined, said?: string): void
  /** Standard error for whoever speaks meanwhile: the line stays below what is said. */
  note(text: string): void
  /** Takes the line away, so that what follows stands alone. What is shown after it is another work. */
  clear(): void
}

interface Point {
  readonly atMs: number
  readonly done: number
  readonly part: number | undefined
}

const EVERY_MS = 100
const COLUMNS = 80
const WIDTH = { max: 20, min: 8 }
const LABEL_MAX = 24
/** A shorter look says nothing of what is left. */
const LOOK_MS = 1_000
const ERASE = '\r\u001b[K'

export function progressBar(output: ProgressOutput, label: string, options: ProgressOptions = {}): ProgressBar {
  const { clock, terminal, columns = COLUMNS, note } = output
  const isDrawn = terminal && options.quiet !== true
  let first: Point = { atMs: clock.monotonicMs(), done: 0, part: 0 }
  let shownMs = Number.NEGATIVE_INFINITY
  let line = ''
  return {
    show: (done, part, said) => {
      const now = { atMs: clock.monotonicMs(), done, part }
      // What was there before the beginning took no time.
      if (shownMs === Number.NEGATIVE_INFINITY && said !== undefined) first = now
      if (!isDrawn || now.atMs - shownMs < EVERY_MS) return
      shownMs = now.atMs
      const facts = [said ?? rateText(first, now, options.unit ?? 'readings'), leftText(first, now)]
      line = fitted(shortened(label), part, facts.filter((each) => each !== '').join(', '), columns - 1)
      note(ERASE + line)
    },
    note: (text) => note(line === '' ? text : ERASE + text + line),
    clear: () => {
      if (line !== '') note(ERASE)
      line = ''
      shownMs = Number.NEGATIVE_INFINITY
      first = { atMs: clock.monotonicMs(), done: 0, part: 0 }
    },
  }
}

/** 12,345 */
export function counted(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

function rateText(first: Point, now: Point, unit: string): string {
  const perS = Math.round(((now.done - first.done) * 1_000) / Math.max(1, now.atMs - first.atMs))
  return `${counted(now.done)} ${unit}, ${counted(perS)}/s`
}

/** At the pace so far; empty where that can't be told. */
function leftText(first: Point, now: Point): string {
  const tookMs = now.atMs - first.atMs
  const came = (now.part ?? 0) - (first.part ?? 0)
  if (now.part === undefined || now.part >= 1 || came <= 0 || tookMs < LOOK_MS) return ''
  return `${clockText(Math.max(1, Math.round(((1 - now.part) * tookMs) / came / 1_000)))} left`
}

function clockText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** The end of a path says more than its beginning. */
function shortened(label: string): string {
  return label.length <= LABEL_MAX ? label : `…${label.slice(1 - LABEL_MAX)}`
}

/** The bar takes what room there is, and goes first where there is too little: a line that wraps could not be taken away again. */
function fitted(label: string, part: number | undefined, facts: string, room: number): string {
  if (part === undefined) return `${label} ${facts}`.slice(0, room)
  const percent = `${String(Math.floor(Math.min(1, Math.max(0, part)) * 100)).padStart(3)} %`
  const width = Math.min(WIDTH.max, room - `${label} [] ${percent}  ${facts}`.length)
  const bar = width < WIDTH.min ? '' : `[${barText(part, width)}] `
  return `${label} ${bar}${percent}  ${facts}`.slice(0, room)
}

function barText(part: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width)
  return '#'.repeat(filled) + '-'.repeat(width - filled)
}
