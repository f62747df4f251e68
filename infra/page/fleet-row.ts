/** One gateway in the table of the fleet. */

import type { GatewayRow } from '../../services/status/page-api.ts'
import { el, setAttribute, setText } from './dom.ts'
import { count, NOTHING } from './format.ts'
import { LINK_WORDS, levelMark, stateMark, timeMark } from './marks.ts'
import { hashOf, type Sort } from './route.ts'
import type { Row } from './virtual-rows.ts'

export interface FleetColumn {
  readonly name: string
  readonly className: string
  readonly sort?: Sort
}

/** In the order of the cells that `fleetRow` makes. */
export const FLEET_COLUMNS: readonly FleetColumn[] = [
  { name: 'Gateway', className: 'gateway', sort: 'gateway' },
  { name: 'State', className: 'standing', sort: 'trouble' },
  { name: 'Link', className: 'link' },
  { name: 'Accepted', className: 'accepted n', sort: 'accepted' },
  { name: 'Settled', className: 'settled n', sort: 'settled' },
  { name: 'Pending', className: 'pending n', sort: 'pending' },
  { name: 'Missing', className: 'missing n', sort: 'missing' },
  { name: 'Journal', className: 'journal n', sort: 'journal' },
  { name: 'Last mark', className: 'mark', sort: 'mark' },
  { name: 'Why', className: 'why' },
]

export function fleetRow(gateway: string): Row<GatewayRow> {
  const focusable = el('a', { href: hashOf({ view: 'gateway', gateway }) }, gateway)
  const state = stateMark()
  const level = levelMark()
  const mark = timeMark()
  const contents: readonly (readonly HTMLElement[])[] = [
    [focusable],
    [state.element, level.element],
    [],
    [],
    [],
    [],
    [],
    [],
    [mark.element],
    [],
  ]
  const cells = FLEET_COLUMNS.map(({ name, className }, i) =>
    el('div', { role: 'cell', class: `cell ${className}`, 'data-name': name }, ...(contents[i] ?? [])),
  )
  const say = (i: number, text: string): void => setText(cells[i] as HTMLElement, text)
  const element = el('div', { role: 'row', class: 'row' }, ...cells)
  return {
    element,
    focusable,
    update: (row) => {
      setAttribute(element, 'data-state', row.state)
      setAttribute(element, 'data-link', row.link)
      setAttribute(element, 'data-missing', row.missing > 0)
      state.update(row.state)
      level.update({ part: row.settled, whole: row.accepted })
      say(2, LINK_WORDS[row.link])
      say(3, count(row.accepted))
      say(4, count(row.settled))
      say(5, count(row.pending))
      say(6, count(row.missing))
      say(7, row.journal === null ? NOTHING : count(row.journal.readings))
      mark.update(row.last_mark)
      const why = row.because.join('; ')
      say(9, why)
      setAttribute(cells[9] as HTMLElement, 'title', why === '' ? undefined : why)
    },
  }
}
