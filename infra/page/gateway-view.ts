/** One gateway: its link, what is where, its readings, outages, gaps, requests and proof, kept up to date. */

import type { GatewayDetail } from '../../services/status/page-api.ts'
import type { Refused } from './api.ts'
import { DetailFeed } from './detail-feed.ts'
import { el, type Part, setHidden, setText } from './dom.ts'
import { flow } from './flow.ts'
import { gaps } from './gaps.ts'
import { askAgain, writeOff } from './gateway-asks.ts'
import { gatewayHead } from './gateway-head.ts'
import { empty } from './marks.ts'
import { endMs, startMs } from './outage-strip.ts'
import { Outages } from './outages.ts'
import { PlotPart } from './plot-part.ts'
import { proofPart } from './proof-part.ts'
import { requests } from './requests.ts'
import { say } from './say.ts'
import type { PageContext, View } from './view.ts'

const AGAIN_WINDOW_MS = 3_600_000

export class GatewayView implements View {
  readonly title: string
  readonly element: HTMLElement
  readonly #gateway: string
  readonly #ended = new AbortController()
  readonly #feed: DetailFeed
  readonly #parts: readonly Part<GatewayDetail>[]
  readonly #outages: Outages
  readonly #plot: PlotPart
  readonly #waiting = empty('Asking the server …')
  readonly #body: HTMLElement
  #state = ''

  constructor(gateway: string, { fleet }: PageContext) {
    this.#gateway = gateway
    this.title = gateway
    const again = (fromMs: number, toMs: number): void =>
      void askAgain(gateway, fromMs, toMs).then(() => this.#feed.soon())
    this.#outages = new Outages((outage) => again(startMs(outage), endMs(outage)))
    this.#plot = new PlotPart(gateway)
    const head = gatewayHead(gateway, () => this.#feed.soon())
    const where = flow()
    const missing = gaps({
      signal: this.#ended.signal,
      writeOff: (epoch) => void writeOff(gateway, epoch).then(() => this.#feed.soon()),
    })
    const asked = requests()
    const proof = proofPart(gateway)
    asked.element.append(
      el(
        'button',
        { type: 'button', click: () => again(Date.now() - AGAIN_WINDOW_MS, Date.now()) },
        'Ask again for a window …',
      ),
    )
    this.#parts = [head, where, missing, asked, proof]
    this.#body = el(
      'div',
      { class: 'parts', hidden: true },
      where.element,
      this.#plot.element,
      this.#outages.element,
      missing.element,
      asked.element,
      proof.element,
    )
    this.element = el('div', { class: 'view' }, head.element, this.#waiting, this.#body)
    this.#feed = new DetailFeed({
      gateway,
      fleet,
      news: (detail) => this.#update(detail),
      trouble: (why) => this.#say(why),
    })
  }

  close(): void {
    this.#feed.close()
    this.#plot.close()
    this.#outages.close()
    this.#ended.abort()
  }

  #update(detail: GatewayDetail): void {
    setHidden(this.#waiting, true)
    setHidden(this.#body, false)
    for (const part of this.#parts) part.update(detail)
    this.#outages.update(detail.outages)
    this.#plot.outages(detail.outages)
    const state = `${detail.state}, link ${detail.link}`
    if (this.#state !== '' && this.#state !== state) say(`${this.#gateway} is ${state}.`)
    this.#state = state
  }

  #say({ status, message }: Refused): void {
    setHidden(this.#waiting, false)
    const known = this.#state !== ''
    if (status === 404)
      setText(this.#waiting, `Nobody has heard of a gateway ${this.#gateway}. Its first reading makes it known.`)
    else
      setText(
        this.#waiting,
        known ? `Not up to date: ${message}.` : `Nothing to show: ${message}. This page tries again by itself.`,
      )
  }
}
