/** All outages of a gateway on one line of time, drawn: a thousand are as quick as one. */

import type { OutageRow } from '../../services/status/page-api.ts'
import { el, setText } from './dom.ts'
import { clock } from './format.ts'
import { onThemeChange } from './theme.ts'

export interface OutageStrip {
  readonly element: HTMLElement
  update(outages: readonly OutageRow[], selected: string | undefined): void
  close(): void
}

const HEIGHT_PX = 56
const NARROWEST_PX = 2

/** A click chooses the nearest outage; the list beside it is the way for the keyboard. */
export function outageStrip(choose: (id: string) => void): OutageStrip {
  const canvas = el('canvas', { 'aria-hidden': 'true', click: (event) => choosing(event as MouseEvent) })
  const from = el('span')
  const element = el(
    'div',
    { class: 'strip' },
    canvas,
    el('p', { class: 'strip-ends', 'aria-hidden': 'true' }, from, el('span', {}, 'now')),
  )
  const ended = new AbortController()
  let outages: readonly OutageRow[] = []
  let selected: string | undefined
  const paint = (): void => draw(canvas, outages, selected)
  const sizes = new ResizeObserver(paint)
  sizes.observe(canvas)
  onThemeChange(paint, ended.signal)
  const choosing = (event: MouseEvent): void => {
    const scale = scaleOf(outages, canvas.clientWidth)
    const near = (outage: OutageRow): number => Math.abs(scale.x(middle(outage)) - event.offsetX)
    const nearest = outages.toSorted((a, b) => near(a) - near(b))[0]
    if (nearest !== undefined) choose(nearest.id)
  }
  return {
    element,
    update: (news, chosen) => {
      outages = news
      selected = chosen
      const first = scaleOf(news, 1).fromMs
      setText(from, news.length === 0 ? '' : clock(first))
      paint()
    },
    close: () => {
      ended.abort()
      sizes.disconnect()
    },
  }
}

export function startMs({ lost_connection_time, restored_connection_time }: OutageRow): number {
  return Date.parse(lost_connection_time ?? restored_connection_time ?? '1970-01-01')
}

export function endMs({ restored_connection_time }: OutageRow): number {
  return restored_connection_time === null ? Date.now() : Date.parse(restored_connection_time)
}

function middle(outage: OutageRow): number {
  return (startMs(outage) + endMs(outage)) / 2
}

function scaleOf(outages: readonly OutageRow[], width: number) {
  const toMs = Date.now()
  const first = outages.reduce((least, each) => Math.min(least, startMs(each)), toMs)
  const fromMs = first - (toMs - first) * 0.02
  return { fromMs, x: (ms: number): number => ((ms - fromMs) / Math.max(1, toMs - fromMs)) * width }
}

function draw(canvas: HTMLCanvasElement, outages: readonly OutageRow[], selected: string | undefined): void {
  const width = canvas.clientWidth
  const drawing = canvas.getContext('2d')
  if (width === 0 || drawing === null) return
  canvas.width = width * devicePixelRatio
  canvas.height = HEIGHT_PX * devicePixelRatio
  drawing.scale(devicePixelRatio, devicePixelRatio)
  const style = getComputedStyle(canvas)
  const colour = (name: string): string => style.getPropertyValue(name)
  const { x } = scaleOf(outages, width)
  drawing.fillStyle = colour('--line')
  drawing.fillRect(0, HEIGHT_PX - 1, width, 1)
  for (const outage of outages) {
    const left = x(startMs(outage))
    drawing.fillStyle = colour(`--${outage.state}`)
    drawing.globalAlpha = outage.id === selected ? 1 : 0.72
    const top = outage.id === selected ? 0 : 10
    drawing.fillRect(left, top, Math.max(NARROWEST_PX, x(endMs(outage)) - left), HEIGHT_PX - top)
  }
}
