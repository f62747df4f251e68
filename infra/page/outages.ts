/** The outages of a gateway: a line of time, a list to move through, and the one that is chosen with what was recovered of it. */

import type { OutageRow } from '../../services/status/page-api.ts'
import { el, setAttribute, setChildren, setHidden, setText } from './dom.ts'
import { clock, count, counted, duration, NOTHING, positions } from './format.ts'
import { empty, levelMark, section, stateMark } from './marks.ts'
import { endMs, outageStrip, startMs } from './outage-strip.ts'
import { type Row, VirtualRows } from './virtual-rows.ts'

const RANGES_SHOWN = 12

export class Outages {
  readonly element: HTMLElement
  readonly #list = el('div', { role: 'list', 'aria-label': 'Outages, newest first', class: 'rows' })
  readonly #scroller = el('div', { class: 'outage-list' }, this.#list)
  readonly #chosen = el('div', { class: 'chosen' })
  readonly #summary = el('p', { class: 'summary' })
  readonly #none = empty('No outage so far.')
  readonly #strip = outageStrip((id) => this.#choose(id, true))
  readonly #body: HTMLElement
  readonly #rows: VirtualRows<OutageRow>
  readonly #ask: (outage: OutageRow) => void
  #byId = new Map<string, OutageRow>()
  #selected: string | undefined
  #isChosen = false

  /** `ask` is called with the outage whose window is to be asked for again. */
  constructor(ask: (outage: OutageRow) => void) {
    this.#ask = ask
    this.#body = el(
      'div',
      { class: 'outages-body' },
      this.#strip.element,
      el('div', { class: 'outages-pair' }, this.#scroller, this.#chosen),
    )
    this.element = section('outages', 'Outages', this.#summary, this.#none, this.#body)
    this.#rows = new VirtualRows({
      body: this.#list,
      scroller: this.#scroller,
      item: (id) => this.#byId.get(id),
      make: (id) => this.#row(id),
      number: (element, index, all) => {
        setAttribute(element, 'aria-posinset', index + 1)
        setAttribute(element, 'aria-setsize', all)
      },
    })
  }

  update(outages: readonly OutageRow[]): void {
    const newest = outages.toSorted((a, b) => startMs(b) - startMs(a))
    this.#byId = new Map(newest.map((each) => [each.id, each]))
    // The newest, until somebody chooses another.
    if (!this.#isChosen || !this.#byId.has(this.#selected ?? '')) this.#selected = newest[0]?.id
    setHidden(this.#none, newest.length > 0)
    setHidden(this.#body, newest.length === 0)
    setText(this.#summary, newest.length === 0 ? '' : summaryOf(newest))
    this.#rows.set(newest.map(({ id }) => id))
    this.#show()
  }

  close(): void {
    this.#rows.close()
    this.#strip.close()
  }

  #row(id: string): Row<OutageRow> {
    const when = el('span', { class: 'when' })
    const long = el('span', { class: 'long' })
    const many = el('span', { class: 'many' })
    const state = stateMark()
    const focusable = el(
      'button',
      { type: 'button', class: 'outage', click: () => this.#choose(id, false) },
      when,
      long,
      many,
      state.element,
    )
    return {
      element: el('div', { role: 'listitem', class: 'row' }, focusable),
      focusable,
      update: (outage) => {
        setText(when, clock(outage.lost_connection_time))
        setText(long, duration(endMs(outage) - startMs(outage)))
        setText(many, counted(outage.accepted, 'reading'))
        state.update(outage.state)
        setAttribute(focusable, 'aria-pressed', id === this.#selected ? 'true' : 'false')
      },
    }
  }

  #choose(id: string, scroll: boolean): void {
    this.#selected = id
    this.#isChosen = true
    this.#show()
    if (scroll) this.#rows.focus(id)
  }

  #show(): void {
    const outage = this.#selected === undefined ? undefined : this.#byId.get(this.#selected)
    this.#rows.refresh('all')
    this.#strip.update([...this.#byId.values()], this.#selected)
    if (outage === undefined) return
    if (this.#chosen.dataset.outage !== outage.id) this.#chosen.replaceChildren()
    this.#chosen.dataset.outage = outage.id
    this.#showChosen(outage)
  }

  #showChosen(outage: OutageRow): void {
    const level = levelMark()
    level.update({ part: outage.landed, whole: outage.accepted })
    const ranges = outage.positions.slice(0, RANGES_SHOWN).map(positions)
    const more = outage.positions.length - ranges.length
    const recovered = `${count(outage.landed)} of ${counted(outage.accepted, 'reading')} landed`
    const facts = facing([
      ['From', clock(outage.lost_connection_time)],
      ['To', outage.restored_connection_time === null ? 'not over' : clock(outage.restored_connection_time)],
      ['Reason', outage.reason === '' ? NOTHING : outage.reason],
      ['Noticed by', outage.noticed_by],
      [
        'Positions',
        `${ranges.length === 0 ? NOTHING : ranges.join(', ')}${more > 0 ? ` and ${counted(more, 'more range')}` : ''}`,
      ],
    ])
    const button =
      this.#chosen.querySelector('button') ??
      el('button', { type: 'button', click: () => this.#askAgain() }, 'Ask again for this window')
    setChildren(this.#chosen, [el('p', { class: 'chosen-sum' }, recovered), level.element, facts, button])
  }

  #askAgain(): void {
    const outage = this.#selected === undefined ? undefined : this.#byId.get(this.#selected)
    if (outage !== undefined) this.#ask(outage)
  }
}

function facing(pairs: readonly (readonly [string, string])[]): HTMLElement {
  return el(
    'dl',
    { class: 'facts' },
    ...pairs.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))),
  )
}

function summaryOf(outages: readonly OutageRow[]): string {
  const accepted = outages.reduce((sum, each) => sum + each.accepted, 0)
  const landed = outages.reduce((sum, each) => sum + each.landed, 0)
  return `${counted(outages.length, 'outage')}; ${counted(accepted, 'reading')} accepted meanwhile, ${count(landed)} of them landed.`
}
