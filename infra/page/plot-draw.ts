/** Draws the readings of one sensor with uPlot: the line, what came by recovery behind it, outages along the top. */

import type uPlot from 'uplot'
import { el } from './dom.ts'
import { type Stretch, withHoles } from './stretches.ts'

export interface Picture {
  readonly fromMs: number
  readonly toMs: number
  readonly times: readonly number[]
  readonly values: readonly (number | null)[]
  readonly recovered: readonly Stretch[]
  readonly outages: readonly { readonly fromMs: number; readonly toMs: number }[]
}

const HEIGHT_PX = 260
const OUTAGE_PX = 7
const NARROWEST_PX = 3
const DAY_MS = 86_400_000
const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const SECOND = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

let library: Promise<typeof uPlot> | undefined

/** Only who looks at a plot loads its library. */
export function plotLibrary(): Promise<typeof uPlot> {
  library ??= new Promise((resolve, reject) => {
    const script = el('script', {
      src: '/page/uplot.js',
      load: () => resolve((globalThis as unknown as { uPlot: typeof uPlot }).uPlot),
      error: (event) => {
        library = undefined
        script.remove()
        reject(event)
      },
    })
    document.head.append(el('link', { rel: 'stylesheet', href: '/page/uplot.css' }), script)
  })
  return library
}

export class PlotDrawing {
  readonly #library: typeof uPlot
  readonly #place: HTMLElement
  readonly #pointed: (index: number | null, times: readonly number[], values: readonly (number | null)[]) => void
  #plot: uPlot | undefined
  #picture: Picture | undefined

  /** `pointed` hears which point the pointer is at. */
  constructor(
    library: typeof uPlot,
    place: HTMLElement,
    pointed: (index: number | null, times: readonly number[], values: readonly (number | null)[]) => void,
  ) {
    this.#library = library
    this.#place = place
    this.#pointed = pointed
  }

  show(picture: Picture): void {
    this.#picture = picture
    const [times, values] = withHoles(picture.times, picture.values)
    if (this.#plot === undefined) this.#plot = new this.#library(this.#options(), [times, values], this.#place)
    else this.#plot.setData([times, values])
  }

  /** The size or the colours are others. */
  anew(): void {
    this.#plot?.destroy()
    this.#plot = undefined
    if (this.#picture !== undefined) this.show(this.#picture)
  }

  close(): void {
    this.#plot?.destroy()
    this.#plot = undefined
  }

  #options(): uPlot.Options {
    const style = getComputedStyle(this.#place)
    const colour = (name: string): string => style.getPropertyValue(name).trim()
    const axis = {
      stroke: colour('--soft'),
      font: `12px ${style.fontFamily}`,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
    }
    return {
      width: this.#place.clientWidth,
      height: HEIGHT_PX,
      ms: 1,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false },
      scales: { x: { range: () => [this.#picture?.fromMs ?? 0, this.#picture?.toMs ?? 1] } },
      axes: [
        { ...axis, values: (_, splits, __, ___, step) => splits.map((at) => axisTime(at, step)), space: 70 },
        { ...axis, size: 56 },
      ],
      series: [{}, { stroke: colour('--water'), width: 1.5, spanGaps: false, points: { size: 4 } }],
      hooks: {
        drawClear: [(plot) => this.#drawBehind(plot, colour)],
        setCursor: [({ cursor, data }) => this.#pointed(cursor.idx ?? null, data[0] as number[], data[1] as number[])],
      },
    }
  }

  #drawBehind({ ctx, bbox, valToPos }: uPlot, colour: (name: string) => string): void {
    const x = (ms: number): number => Math.max(bbox.left, Math.min(bbox.left + bbox.width, valToPos(ms, 'x', true)))
    const band = (fromMs: number, toMs: number, top: number, height: number): void => {
      const left = x(fromMs)
      ctx.fillRect(left, top, Math.max(NARROWEST_PX * devicePixelRatio, x(toMs) - left), height)
    }
    ctx.save()
    ctx.fillStyle = colour('--recovered-shade')
    for (const each of this.#picture?.recovered ?? []) band(each.fromMs, each.toMs, bbox.top, bbox.height)
    ctx.fillStyle = colour('--open')
    for (const each of this.#picture?.outages ?? []) {
      band(each.fromMs, each.toMs, bbox.top, OUTAGE_PX * devicePixelRatio)
    }
    ctx.restore()
  }
}

function axisTime(ms: number, stepMs: number): string {
  if (stepMs >= DAY_MS) return DAY.format(ms)
  return (stepMs < 60_000 ? SECOND : TIME).format(ms)
}
