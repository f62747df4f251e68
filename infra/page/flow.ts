/** What is where now: from the journal over the log into each store, and what is missing there; numbers in a small picture. */

import type { GatewayRow, LinkState } from '../../services/status/page-api.ts'
import { el, type Part, PartList, setAttribute, setText } from './dom.ts'
import { bytes, clock, count, counted, NOTHING } from './format.ts'
import { levelMark, section } from './marks.ts'

interface Station {
  readonly key: string
  readonly name: string
  readonly number: string
  readonly more: string
  /** How high the water stands. */
  readonly part: number
  readonly whole: number
  readonly trouble: boolean
}

export function flow(): Part<GatewayRow> {
  const stations = el('ol', { class: 'stations' })
  const list = new PartList<Station>(stations, ({ key }) => key, station)
  return {
    element: section('where', 'What is where now', stations),
    update: (row) => {
      setAttribute(stations, 'data-link', row.link)
      list.set([journal(row), log(row), ...stores(row), missing(row)])
    },
  }
}

function station({ key, name }: Station): Part<Station> {
  const number = el('b', { class: 'number' })
  const more = el('span', { class: 'more' })
  const level = levelMark()
  const kind = key.replace(/ .*/, '')
  const element = el(
    'li',
    { class: `station ${kind}` },
    el('span', { class: 'label' }, name),
    number,
    more,
    level.element,
  )
  return {
    element,
    update: (news) => {
      setText(number, news.number)
      setText(more, news.more)
      level.update(news)
      element.classList.toggle('trouble', news.trouble)
    },
  }
}

function journal({ journal: held }: GatewayRow): Station {
  const base = { key: 'journal', name: 'Journal', trouble: false }
  if (held === null) return { ...base, number: NOTHING, more: 'runs in another process', part: 0, whole: 1 }
  const { readings, unconfirmed, bytes: used, max_bytes } = held
  const more = `${count(unconfirmed)} not yet confirmed; ${bytes(used)} of ${bytes(max_bytes)}`
  return { ...base, number: count(readings), more, part: used, whole: max_bytes, trouble: used > 0.9 * max_bytes }
}

const LINK_SENTENCES: Readonly<Record<LinkState, (mark: string) => string>> = {
  up: (mark) => `newest mark ${mark}`,
  silent: (mark) => `silent since ${mark}`,
  cut: (mark) => `link cut; newest mark ${mark}`,
}

function log({ accepted, link, last_mark }: GatewayRow): Station {
  const more = LINK_SENTENCES[link](clock(last_mark))
  return { key: 'log', name: 'On the log', number: count(accepted), more, part: 1, whole: 1, trouble: link !== 'up' }
}

function stores({ stores: verdicts, accepted }: GatewayRow): readonly Station[] {
  return Object.entries(verdicts).map(([store, { landed, conflict, rejected, missing: gone }]) => {
    const parts = [
      gone > 0 ? `${count(gone)} missing` : 'nothing missing',
      ...(conflict > 0 ? [counted(conflict, 'conflict')] : []),
      ...(rejected > 0 ? [`${count(rejected)} rejected`] : []),
    ]
    const more = parts.join(', ')
    return {
      key: `store ${store}`,
      name: `Landed in ${store}`,
      number: count(landed),
      more,
      part: landed,
      whole: accepted,
      trouble: gone > 0,
    }
  })
}

function missing({ missing: gone, pending, void: declared, lost, accepted }: GatewayRow): Station {
  const parts = [
    pending > gone
      ? `${count(pending - gone)} on the way`
      : gone > 0
        ? 'nothing else on the way'
        : 'nothing on the way',
    ...(declared > 0 ? [`${count(declared)} void`] : []),
    ...(lost > 0 ? [`${count(lost)} lost`] : []),
  ]
  return {
    key: 'missing',
    name: 'Missing',
    number: count(gone),
    more: parts.join(', '),
    part: gone,
    whole: Math.max(1, accepted),
    trouble: gone > 0,
  }
}
