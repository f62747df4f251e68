/** The head of the page: name, ways, how it stands with the server, and the tide: how much of what was accepted is settled. */

import { el, setAttribute, setHidden, setText } from './dom.ts'
import type { FleetState } from './fleet-state.ts'
import { clock, count, share } from './format.ts'
import type { Connection } from './live.ts'
import { levelMark } from './marks.ts'
import type { Route } from './route.ts'
import { currentTheme, setTheme, THEMES, type Theme } from './theme.ts'

const THEME_WORDS: Readonly<Record<Theme, string>> = { system: 'Auto', light: 'Light', dark: 'Dark' }

export interface Header {
  readonly element: HTMLElement
  fleet(fleet: FleetState): void
  connection(connection: Connection): void
  route(route: Route): void
  /** How many are open. */
  alerts(open: number): void
  /** How many roots there are. */
  recordings(roots: number): void
  /** How many buckets it has. */
  mirror(buckets: number): void
}

export function header(): Header {
  const fleetLink = el('a', { href: '#/' }, 'Fleet')
  const quarantineLink = el('a', { href: '#/quarantine' }, 'Quarantine')
  const recordingsLink = el('a', { href: '#/recordings', hidden: true }, 'Recordings')
  const mirrorLink = el('a', { href: '#/mirror', hidden: true }, 'Mirror')
  const alertsLink = el('a', { href: '#/alerts' }, 'Alerts')
  const connection = el('p', { class: 'connection', id: 'connection' })
  const tide = tideLine()
  const element = el(
    'header',
    { class: 'head' },
    el(
      'div',
      { class: 'head-row' },
      el('a', { class: 'name', href: '#/' }, 'tidemark'),
      el('nav', { 'aria-label': 'Views' }, fleetLink, quarantineLink, recordingsLink, mirrorLink, alertsLink),
      connection,
      themeChoice(),
    ),
    tide.element,
  )
  return {
    element,
    fleet: tide.update,
    connection: (state) => showConnection(connection, state),
    route: ({ view }) => {
      setAttribute(fleetLink, 'aria-current', view === 'fleet' ? 'page' : undefined)
      setAttribute(quarantineLink, 'aria-current', view === 'quarantine' ? 'page' : undefined)
      setAttribute(recordingsLink, 'aria-current', view === 'recordings' ? 'page' : undefined)
      setAttribute(mirrorLink, 'aria-current', view === 'mirror' ? 'page' : undefined)
      setAttribute(alertsLink, 'aria-current', view === 'alerts' ? 'page' : undefined)
    },
    alerts: (open) => {
      setText(alertsLink, open === 0 ? 'Alerts' : `Alerts ${count(open)}`)
      setAttribute(alertsLink, 'data-open', open > 0)
    },
    recordings: (roots) => setHidden(recordingsLink, roots === 0),
    mirror: (buckets) => setHidden(mirrorLink, buckets === 0),
  }
}

function tideLine(): { readonly element: HTMLElement; update(fleet: FleetState): void } {
  const level = levelMark()
  const words = el('span', { class: 'tide-words' })
  const element = el(
    'div',
    { class: 'tide', role: 'meter', 'aria-label': 'Settled of accepted', 'aria-valuemin': 0, 'aria-valuemax': 100 },
    level.element,
    words,
  )
  return {
    element,
    update: ({ asOf, settled, accepted }) => {
      if (asOf === null) return
      level.update({ part: settled, whole: accepted })
      const text = `Fleet ${share(settled, accepted)} settled: ${count(settled)} of ${count(accepted)} readings`
      setText(words, text)
      setAttribute(element, 'aria-valuenow', accepted === 0 ? 100 : Math.floor((settled / accepted) * 1000) / 10)
      setAttribute(element, 'aria-valuetext', text)
    },
  }
}

function showConnection(element: HTMLElement, connection: Connection): void {
  setAttribute(element, 'data-state', connection.state)
  if (connection.state === 'live') setText(element, 'Live')
  else if (connection.state === 'connecting') setText(element, 'Connecting')
  else setText(element, `${connection.status === 503 ? 'Waiting' : 'Reconnecting'} since ${clock(connection.sinceMs)}`)
}

function themeChoice(): HTMLElement {
  const select = el(
    'select',
    { 'aria-label': 'Colours', class: 'quiet', change: () => setTheme(select.value as Theme) },
    ...THEMES.map((each) => el('option', { value: each, selected: each === currentTheme() }, THEME_WORDS[each])),
  )
  return select
}
