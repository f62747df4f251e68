/** The quarantine: what could not be taken and why, to be driven again or discarded. */

import type { Quarantine, QuarantineRow } from '../../services/status/page-api.ts'
import { post } from './api.ts'
import { Asking } from './asking.ts'
import { ask } from './dialogs.ts'
import { el, type Part, PartList, setAttribute, setHidden, setText } from './dom.ts'
import { count, counted, NOTHING } from './format.ts'
import { empty, timeMark } from './marks.ts'
import { hashOf, type QuarantineRoute } from './route.ts'
import { doing } from './say.ts'
import type { PageContext, View } from './view.ts'

const EVERY_MS = 5000
const LIMIT = 200

export class QuarantineView implements View {
  readonly title = 'Quarantine'
  readonly element: HTMLElement
  readonly #asking: Asking<Quarantine>
  readonly #said = empty('Asking the server …')
  readonly #codes = el('div', { class: 'filters', role: 'group', 'aria-label': 'Causes' })
  readonly #list = el('ol', { class: 'entries' })
  readonly #entries: PartList<QuarantineRow>
  readonly #causes: PartList<readonly [code: string, many: number]>
  readonly #context: PageContext
  #route: QuarantineRoute
  #news: Quarantine | undefined

  constructor(route: QuarantineRoute, context: PageContext) {
    this.#route = route
    this.#context = context
    this.#entries = new PartList(
      this.#list,
      ({ id }) => id,
      (row) => entry(row, (act) => void this.#act(row, act)),
    )
    this.#causes = new PartList(
      this.#codes,
      ([code]) => code,
      ([code]) => this.#cause(code),
    )
    this.element = el(
      'div',
      { class: 'view' },
      el('h1', { tabindex: -1 }, 'Quarantine'),
      this.#codes,
      this.#said,
      this.#list,
    )
    this.#asking = new Asking<Quarantine>({
      path: `/api/quarantine?limit=${LIMIT}`,
      everyMs: EVERY_MS,
      answered: (news) => {
        this.#news = news
        this.#update()
      },
      refused: (reason) => this.#refused(reason),
    })
  }

  close(): void {
    this.#asking.close()
  }

  #refused(reason: string): void {
    const so = this.#news === undefined ? 'Nothing to show' : 'Not up to date'
    setHidden(this.#said, false)
    setText(this.#said, `${so}: ${reason}. This page tries again by itself.`)
  }

  #update(): void {
    if (this.#news === undefined) return
    const { open, by_code, entries } = this.#news
    const shown = entries.filter(({ code }) => this.#route.code === '' || code === this.#route.code)
    this.#causes.set([['', open], ...Object.entries(by_code).sort(([, a], [, b]) => b - a)])
    setHidden(this.#codes, open === 0)
    this.#entries.set(shown)
    const all = this.#route.code === '' ? open : (by_code[this.#route.code] ?? 0)
    setHidden(this.#said, open > 0 && shown.length === all)
    if (open === 0) setText(this.#said, 'Nothing in quarantine: every reading that came could be taken.')
    else setText(this.#said, `The newest ${count(shown.length)} of ${counted(all, 'entry', 'entries')}.`)
  }

  #cause(code: string): Part<readonly [string, number]> {
    const number = el('b')
    const element = el(
      'button',
      { type: 'button', class: 'filter', click: () => this.#choose(code) },
      number,
      ` ${code === '' ? 'All' : code}`,
    )
    return {
      element,
      update: ([, many]) => {
        setText(number, count(many))
        setAttribute(element, 'aria-pressed', code === this.#route.code ? 'true' : 'false')
      },
    }
  }

  #choose(code: string): void {
    this.#route = { ...this.#route, code }
    this.#context.remember(this.#route)
    this.#update()
  }

  async #act({ id, gateway, reason }: QuarantineRow, act: 'redrive' | 'discard'): Promise<void> {
    const what = act === 'redrive' ? 'driven again' : 'discarded'
    const answer = await ask(
      act === 'redrive'
        ? {
            title: 'Drive it again',
            text: `The entry of ${gateway} is offered to its store once more.`,
            confirm: 'Drive again',
          }
        : {
            title: 'Discard it',
            text: `The entry of ${gateway} is given up: ${reason}`,
            confirm: 'Discard',
            grave: true,
          },
    )
    if (answer === undefined) return
    await doing(async () => {
      const text = await post(`/api/quarantine/${act}`, { id })
      return text === '' ? `The entry is ${what}.` : text
    }, `The entry was not ${what}`)
    await this.#asking.now()
  }
}

function entry(row: QuarantineRow, act: (act: 'redrive' | 'discard') => void): Part<QuarantineRow> {
  const at = timeMark()
  at.update(row.at)
  const again = el(
    'button',
    { type: 'button', 'aria-label': `Drive again: ${row.id}`, click: () => act('redrive') },
    'Drive again',
  )
  const discard = el(
    'button',
    { type: 'button', class: 'quiet', 'aria-label': `Discard: ${row.id}`, click: () => act('discard') },
    'Discard',
  )
  const gateway =
    row.gateway === '' ? NOTHING : el('a', { href: hashOf({ view: 'gateway', gateway: row.gateway }) }, row.gateway)
  const element = el(
    'li',
    { class: 'entry' },
    el('p', { class: 'entry-head' }, el('b', {}, row.code), ' ', gateway, ' ', at.element),
    el('p', {}, row.reason),
    el('p', { class: 'more' }, `${row.store === null ? '' : `store ${row.store}, `}from ${row.from}, id ${row.id}`),
    el('div', { class: 'answers' }, again, discard),
  )
  return {
    element,
    update: ({ redrivable }) => setHidden(again, !redrivable),
  }
}
