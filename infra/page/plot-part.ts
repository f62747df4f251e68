/** The readings of one sensor as a plot that goes on by itself, with what was recovered and when the link was away. */

import type { OutageRow, Plot, Sensors } from '../../services/status/page-api.ts'
import { getJson, Refused } from './api.ts'
import { el, setAttribute, setHidden, setText } from './dom.ts'
import { clock } from './format.ts'
import { empty, section } from './marks.ts'
import { endMs, startMs } from './outage-strip.ts'
import { type Picture, PlotDrawing, plotLibrary } from './plot-draw.ts'
import { plotLegend, plotSentence } from './plot-legend.ts'
import { PlotTools } from './plot-tools.ts'
import { recoveredStretches } from './stretches.ts'
import { onThemeChange } from './theme.ts'

const OFTEN_MS = 2000
const SELDOM_MS = 30_000
const POINTS_MAX = 1200
/** A gateway that is younger than the range has its first reading at the left, from this much on. */
const SHORTEST_MS = 30_000

export class PlotPart {
  readonly element: HTMLElement
  readonly #path: string
  readonly #ended = new AbortController()
  readonly #said = empty('Asking the server …')
  readonly #place = el('div', { class: 'plot', role: 'img' })
  readonly #pointed = el('p', { class: 'pointed', 'aria-hidden': 'true' })
  readonly #figure = el('div', { class: 'figure', hidden: true }, this.#place, this.#pointed)
  readonly #legend = plotLegend()
  readonly #tools = new PlotTools(() => this.#now())
  readonly #sizes: ResizeObserver
  #drawing: PlotDrawing | undefined
  #asking = new AbortController()
  #timer = 0
  #sensorsMs = Number.NEGATIVE_INFINITY
  #outages: readonly OutageRow[] = []
  #widthPx = 0

  constructor(gateway: string) {
    this.#path = `/api/gateways/${encodeURIComponent(gateway)}`
    this.element = section('readings', 'Readings', this.#tools.element, this.#said, this.#figure, this.#legend.element)
    this.#sizes = new ResizeObserver(() => {
      const { clientWidth } = this.#place
      // Hidden, it has none.
      if (clientWidth === 0 || clientWidth === this.#widthPx) return
      this.#widthPx = clientWidth
      this.#drawing?.anew()
    })
    this.#sizes.observe(this.#place)
    onThemeChange(() => this.#drawing?.anew(), this.#ended.signal)
    this.#now()
  }

  outages(outages: readonly OutageRow[]): void {
    this.#outages = outages
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#ended.abort()
    this.#asking.abort()
    this.#sizes.disconnect()
    this.#drawing?.close()
  }

  /** What is being asked for has been overtaken. */
  #now(): void {
    this.#asking.abort()
    this.#asking = new AbortController()
    clearTimeout(this.#timer)
    void this.#ask(this.#asking.signal)
  }

  async #ask(signal: AbortSignal): Promise<void> {
    try {
      await this.#askSensors(signal)
      if (this.#tools.chosen.sensor === undefined) this.#nothing('No reading of this gateway has landed yet.')
      else await this.#askReadings(signal)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Refused)) throw error
      // What was drawn stays.
      this.#say(`The readings can not be shown: ${error.message}.`)
    }
    const { rangeMs } = this.#tools.chosen
    const pauseMs = Math.max(OFTEN_MS, Math.min(SELDOM_MS, rangeMs / 300))
    if (!signal.aborted) this.#timer = window.setTimeout(() => this.#now(), pauseMs)
  }

  /** Seldom: which sensors there are hardly changes. */
  async #askSensors(signal: AbortSignal): Promise<void> {
    if (this.#tools.chosen.sensor !== undefined && performance.now() - this.#sensorsMs < SELDOM_MS) return
    const { sensors } = await getJson<Sensors>(`${this.#path}/sensors`, signal)
    this.#sensorsMs = performance.now()
    this.#tools.sensors(sensors)
  }

  async #askReadings(signal: AbortSignal): Promise<void> {
    const { sensor, rangeMs } = this.#tools.chosen
    if (sensor === undefined) return
    const toMs = Date.now()
    const asked = new URLSearchParams({
      ...sensor,
      from: new Date(toMs - rangeMs).toISOString(),
      to: new Date(toMs).toISOString(),
      points: String(Math.min(POINTS_MAX, Math.max(200, this.element.clientWidth))),
    })
    const [plot, library] = await Promise.all([getJson<Plot>(`${this.#path}/readings?${asked}`, signal), plotLibrary()])
    if (signal.aborted) return
    this.#drawing ??= new PlotDrawing(library, this.#place, (index, times, values) => this.#point(index, times, values))
    this.#show(plot, toMs - rangeMs, toMs)
  }

  #show(plot: Plot, fromMs: number, toMs: number): void {
    const names = Object.keys(plot.fields)
    if (plot.time_ms.length === 0 || names.length === 0) {
      this.#nothing(`No reading of ${plot.sensor} with a number in ${this.#tools.chosen.rangeName}.`)
      return
    }
    this.#tools.fields(names)
    const { field, rangeName } = this.#tools.chosen
    const picture: Picture = {
      fromMs: Math.max(fromMs, Math.min(toMs - SHORTEST_MS, plot.time_ms[0] ?? toMs)),
      toMs,
      times: plot.time_ms,
      values: plot.fields[field] ?? [],
      recovered: recoveredStretches(plot),
      outages: this.#outages
        .map((each) => ({ fromMs: startMs(each), toMs: endMs(each) }))
        .filter((each) => each.toMs >= fromMs)
        .sort((a, b) => a.fromMs - b.fromMs),
    }
    setHidden(this.#said, true)
    setHidden(this.#figure, false)
    setHidden(this.#legend.element, false)
    const plotted = { plot, field, rangeName, picture }
    setAttribute(this.#place, 'aria-label', plotSentence(plotted))
    this.#legend.update(plotted)
    this.#drawing?.show(picture)
  }

  #point(index: number | null, times: readonly number[], values: readonly (number | null)[]): void {
    const time = index === null ? undefined : times[index]
    const value = index === null ? undefined : values[index]
    setText(this.#pointed, time === undefined || value == null ? '' : `${clock(time)}  ${value}`)
  }

  #say(sentence: string): void {
    setText(this.#said, sentence)
    setHidden(this.#said, false)
  }

  #nothing(sentence: string): void {
    this.#say(sentence)
    setHidden(this.#figure, true)
    setHidden(this.#legend.element, true)
  }
}
