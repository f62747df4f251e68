/** Alerts: what is so that somebody should look at, since when, what to do; and what was over within a day. */

import type { AlertRow, Alerts } from '../../services/status/page-api.ts'
import { el, type Part, setAttribute, setText } from './dom.ts'
import { counted } from './format.ts'
import { ListView } from './list-view.ts'
import { stateMark, timeMark } from './marks.ts'
import { hashOf } from './route.ts'
import type { View } from './view.ts'

const LIMIT = 500

/** Whose subject is a gateway. */
const OF_GATEWAYS = new Set(['gateway-silent', 'link-down', 'gap-open', 'conflict', 'void-or-lost', 'journal-filling'])

export function alertsView(): View {
  return new ListView<Alerts, AlertRow>({
    title: 'Alerts',
    path: `/api/alerts?limit=${LIMIT}`,
    rows: ({ episodes }) => episodes,
    key: ({ id }) => id,
    part: alert,
    sentence: ({ open, episodes }) => {
      if (episodes.length === 0) return 'No alert is open, and none was within a day.'
      const over = episodes.filter(({ ended_at: ended }) => ended !== null).length
      return `${counted(open, 'alert is', 'alerts are')} open; ${counted(over, 'was', 'were')} over within a day.`
    },
  })
}

function alert({ service, rule, subject, advice, severity }: AlertRow): Part<AlertRow> {
  const [state, since, until] = [stateMark(), timeMark(), timeMark()]
  const summary = el('p')
  const end = el('span', {}, ' to ', until.element)
  const about = OF_GATEWAYS.has(rule)
    ? el('a', { href: hashOf({ view: 'gateway', gateway: subject }) }, subject)
    : subject
  const element = el(
    'li',
    { class: 'entry' },
    el(
      'p',
      { class: 'entry-head' },
      state.element,
      ' ',
      el('b', {}, rule),
      ' ',
      about,
      ' ',
      el('span', {}, since.element, end),
    ),
    summary,
    el('p', { class: 'more' }, `${advice} (${severity}, seen by ${service})`),
  )
  return {
    element,
    update: (row) => {
      state.update(row.ended_at === null ? 'open' : 'over')
      since.update(row.since)
      until.update(row.ended_at)
      end.hidden = row.ended_at === null
      setAttribute(element, 'data-over', row.ended_at !== null)
      setText(summary, row.summary)
    },
  }
}
