/** What recovery has asked the gateway for, and what came back. */

import type { GatewayDetail, RequestRow } from '../../services/status/page-api.ts'
import { el, type Part, PartList, setHidden, setText } from './dom.ts'
import { count, counted, positions, shortId } from './format.ts'
import { empty, section, timeMark } from './marks.ts'

const SHOWN = 20
const RANGES_SHOWN = 3

export function requests(): Part<GatewayDetail> {
  const rows = el('tbody')
  const list = new PartList<RequestRow>(rows, ({ request_id, attempt }) => `${request_id} ${attempt}`, requestRow)
  const none = empty('Nothing is asked for.')
  const heads = ['Sent', 'Asked', 'Readings', 'Parts', 'Answer'].map((head) =>
    el('th', { scope: 'col', class: /^(Readings|Parts)$/.test(head) && 'n' }, head),
  )
  const table = el(
    'table',
    {},
    el('caption', { class: 'heard' }, 'Requests, newest first'),
    el('thead', {}, el('tr', {}, ...heads)),
    rows,
  )
  return {
    element: section(
      'requests',
      'Requests',
      none,
      el('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': 'Requests' }, table),
    ),
    update: ({ requests: all }) => {
      const newest = all.toSorted((a, b) => (a.sent < b.sent ? 1 : -1)).slice(0, SHOWN)
      list.set(newest)
      setHidden(none, newest.length > 0)
      setHidden(table, newest.length === 0)
    },
  }
}

function requestRow({ request_id, attempt }: RequestRow): Part<RequestRow> {
  const sent = timeMark()
  const [asked, readings, parts, answer] = [el('td'), el('td', { class: 'n' }), el('td', { class: 'n' }), el('td')]
  const name = el('span', { class: 'more' }, `${shortId(request_id)}${attempt > 1 ? `, attempt ${attempt}` : ''}`)
  return {
    element: el('tr', {}, el('td', {}, sent.element, name), asked, readings, parts, answer),
    update: (row) => {
      sent.update(row.sent)
      const more = row.asked.length - RANGES_SHOWN
      const ranges = row.asked.slice(0, RANGES_SHOWN).map(positions).join(', ')
      setText(asked, more > 0 ? `${ranges} and ${counted(more, 'more range')}` : ranges)
      setText(readings, count(row.positions))
      setText(parts, count(row.parts))
      setText(answer, row.answered ? 'answered' : 'waiting')
    },
  }
}
