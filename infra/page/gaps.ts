/** The gaps of a gateway: which positions of which epoch are missing, as they open and close. */

import type { EpochVerdict } from '../../services/core/verdict.ts'
import type { GatewayDetail } from '../../services/status/page-api.ts'
import { el, type Part, PartList, setHidden, setText } from './dom.ts'
import { clock, count, counted, range, shortId, sizeOf } from './format.ts'
import { empty, section } from './marks.ts'
import { onThemeChange } from './theme.ts'

const RANGES_SHOWN = 40
const CLOSED_SHOWN = 5
const BAR_HEIGHT_PX = 14

export interface GapsOptions {
  writeOff(epoch: EpochVerdict): void
  signal: AbortSignal
}

export function gaps(options: GapsOptions): Part<GatewayDetail> {
  const none = empty()
  const open = el('div', { class: 'gap-list' })
  const closed = el('ul', { class: 'closed-gaps' })
  const list = new PartList<EpochVerdict>(
    open,
    ({ epoch }) => epoch,
    (epoch) => gapOf(epoch, options),
  )
  const closings = new PartList<string>(
    closed,
    (text) => text,
    (text) => ({ element: el('li', {}, text), update: () => undefined }),
  )
  let before = new Map<string, number>()
  let said: readonly string[] = []
  return {
    element: section('gaps', 'Gaps', none, open, closed),
    update: ({ epochs, as_of }) => {
      const missing = new Map(epochs.map((each) => [each.epoch, sizeOf(each.missing)]))
      const shut = [...before].filter(([epoch, size]) => size > 0 && (missing.get(epoch) ?? 0) === 0)
      said = [...shut.map(([epoch]) => `The gap of epoch ${shortId(epoch)} closed at ${clock(as_of)}.`), ...said].slice(
        0,
        CLOSED_SHOWN,
      )
      before = missing
      const gapped = epochs.filter((each) => each.missing.length > 0)
      list.set(gapped)
      closings.set(said)
      setHidden(none, gapped.length > 0)
      setText(none, 'No gap: every position that is due has landed, or is settled in another way.')
    },
  }
}

function gapOf({ epoch }: EpochVerdict, { writeOff, signal }: GapsOptions): Part<EpochVerdict> {
  const title = el('h3', {})
  const bar = el('canvas', { class: 'gap-bar', 'aria-hidden': 'true' })
  const ranges = el('ul', { class: 'ranges' })
  const more = el('p', { class: 'more' })
  let news: EpochVerdict | undefined
  const button = el(
    'button',
    { type: 'button', class: 'quiet', click: () => news !== undefined && writeOff(news) },
    'Write off …',
  )
  const list = new PartList<readonly [number, number]>(ranges, String, (each) => ({
    element: el('li', {}, range(each)),
    update: () => undefined,
  }))
  onThemeChange(() => news !== undefined && drawBar(bar, news), signal)
  return {
    element: el('div', { class: 'gap' }, title, bar, ranges, more, button),
    update: (verdict) => {
      news = verdict
      setText(
        title,
        `${counted(sizeOf(verdict.missing), 'position')} missing of epoch ${shortId(epoch)}, up to ${count(verdict.bound)}`,
      )
      list.set(verdict.missing.slice(0, RANGES_SHOWN))
      const left = verdict.missing.length - RANGES_SHOWN
      setHidden(more, left <= 0)
      setText(more, `and ${counted(left, 'more range')}`)
      // It has its width only once it stands in the page.
      requestAnimationFrame(() => drawBar(bar, verdict))
    },
  }
}

function drawBar(canvas: HTMLCanvasElement, { bound, missing }: EpochVerdict): void {
  const width = canvas.clientWidth
  const drawing = canvas.getContext('2d')
  if (drawing === null || width === 0) return
  canvas.width = width * devicePixelRatio
  canvas.height = BAR_HEIGHT_PX * devicePixelRatio
  drawing.scale(devicePixelRatio, devicePixelRatio)
  const style = getComputedStyle(canvas)
  drawing.fillStyle = style.getPropertyValue('--water')
  drawing.fillRect(0, 0, width, BAR_HEIGHT_PX)
  drawing.fillStyle = style.getPropertyValue('--open')
  for (const [first, last] of missing) {
    const left = ((first - 1) / bound) * width
    drawing.fillRect(left, 0, Math.max(2, ((last - first + 1) / bound) * width), BAR_HEIGHT_PX)
  }
}
