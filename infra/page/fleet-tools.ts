/** Above the table of the fleet: counts that filter, the search, and when all this was so. */

import type { FleetCounts } from '../../services/status/page-api.ts'
import { el, setAttribute, setHidden, setText } from './dom.ts'
import { count } from './format.ts'
import { timeMark } from './marks.ts'
import { SHOWN, type Shown } from './route.ts'

export interface FleetTools {
  readonly element: HTMLElement
  update(news: { readonly counts: FleetCounts; readonly asOf: string | null; readonly shown: Shown }): void
  /** How many rows stand elsewhere now than where they are shown. */
  moved(rows: number): void
}

export interface FleetToolsOptions {
  readonly search: string
  show(shown: Shown): void
  searchFor(text: string): void
  sortAgain(): void
}

export function fleetTools(options: FleetToolsOptions): FleetTools {
  const filters = SHOWN.map((shown) => filterButton(shown, () => options.show(shown)))
  const asOf = timeMark()
  const search = el('input', {
    type: 'search',
    placeholder: 'Find a gateway',
    'aria-label': 'Find a gateway by its name',
    autocomplete: 'off',
    spellcheck: 'false',
    value: options.search,
    input: () => options.searchFor(search.value),
  })
  const again = el('button', { type: 'button', class: 'again', hidden: true, click: options.sortAgain })
  const element = el(
    'div',
    { class: 'tools' },
    el(
      'fieldset',
      { class: 'filters' },
      el('legend', { class: 'heard' }, 'Show'),
      ...filters.map((each) => each.element),
    ),
    search,
    again,
    el('p', { class: 'as-of' }, 'As of ', asOf.element),
  )
  return {
    element,
    update: (news) => {
      asOf.update(news.asOf)
      for (const each of filters) each.update(news.counts, news.shown)
    },
    moved: (rows) => {
      setHidden(again, rows === 0)
      setText(again, `Sort again (${count(rows)} moved)`)
    },
  }
}

function filterButton(shown: Shown, choose: () => void) {
  const number = el('b')
  const name = shown[0]?.toUpperCase() + shown.slice(1)
  const element = el(
    'button',
    { type: 'button', class: 'filter', 'data-state': shown, click: choose },
    number,
    ` ${name}`,
  )
  return {
    element,
    update: (counts: FleetCounts, chosen: Shown) => {
      setText(number, count(shown === 'all' ? counts.gateways : counts[shown]))
      setAttribute(element, 'aria-pressed', shown === chosen ? 'true' : 'false')
    },
  }
}
