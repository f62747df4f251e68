/** The page in the browser: its frame, the view that the address names, and the news from the server. */

import type { Alerts, MirrorRows, Recordings } from '../../services/status/page-api.ts'
import { alertsView } from './alerts-view.ts'
import { renewToken } from './api.ts'
import { Asking } from './asking.ts'
import { el } from './dom.ts'
import { FleetState } from './fleet-state.ts'
import { type FleetPlace, FleetView } from './fleet-view.ts'
import { count, counted } from './format.ts'
import { GatewayView } from './gateway-view.ts'
import { header } from './header.ts'
import { type Connection, Live } from './live.ts'
import { mirrorView } from './mirror-view.ts'
import { QuarantineView } from './quarantine-view.ts'
import { recordingsView } from './recordings-view.ts'
import { hashOf, type Route, routeOf } from './route.ts'
import { say, sayElements } from './say.ts'
import type { PageContext, View } from './view.ts'

/** Between two looks whether there are alerts, and roots of recordings or a mirror. */
const ALERTS_MS = 10_000
const ROOTS_MS = 60_000

const fleet = new FleetState()
const live = new Live(fleet, connectionChanged)
const head = header()
const main = el('main', { id: 'main', tabindex: -1 })
const context: PageContext = {
  fleet,
  live,
  remember: (route) => history.replaceState(null, '', hashOf(route)),
}
const place: FleetPlace = { scrolledPx: 0, gateway: undefined }
let view: View | undefined
let saidCounts = ''
let alerts = 0
let wasAway = false

function viewOf(route: Route): View {
  if (route.view === 'gateway') return new GatewayView(route.gateway, context)
  if (route.view === 'quarantine') return new QuarantineView(route, context)
  if (route.view === 'alerts') return alertsView()
  if (route.view === 'recordings') return recordingsView()
  if (route.view === 'mirror') return mirrorView()
  return new FleetView(route, context, place)
}

function open(): void {
  const first = view === undefined
  const route = routeOf(location.hash)
  view?.close()
  view = viewOf(route)
  document.title = `${view.title} · tidemark`
  head.route(route)
  main.replaceChildren(view.element)
  if (!first) {
    window.scrollTo({ top: 0, behavior: 'instant' })
    view.element.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
  }
  view.shown?.()
}

function connectionChanged(connection: Connection): void {
  head.connection(connection)
  view?.connectionChanged?.()
  document.documentElement.dataset.connection = connection.state
  if (connection.state === 'live' && wasAway) void backAgain()
  wasAway = connection.state === 'away'
  if (connection.state === 'away') say(`Not up to date: ${connection.reason}.`)
}

/** The server may have started anew meanwhile: with another token, and with other files where it is another version. */
async function backAgain(): Promise<void> {
  say('Up to date again.')
  const isOld = await renewToken().catch(() => false)
  if (isOld && document.querySelector('dialog') === null) location.reload()
}

/** For screen readers, too, when there are more. */
function sayAlerts({ open: opened }: Alerts): void {
  head.alerts(opened)
  if (opened > alerts) say(`${counted(opened, 'alert is', 'alerts are')} open.`)
  alerts = opened
}

/** For screen readers: how many gateways are how, when that changes. */
function sayCounts(): void {
  const { open: opened, closed, complete, cut } = fleet.counts
  const sentence = `${count(complete)} complete, ${count(opened)} open, ${count(closed)} closed, ${count(cut)} cut.`
  if (saidCounts !== '' && saidCounts !== sentence) say(sentence)
  saidCounts = sentence
}

const skip = el('button', { type: 'button', class: 'skip', click: () => main.focus() }, 'Skip to the content')
document.body.prepend(skip, head.element, ...sayElements, main, el('footer', {}, footer()))
head.connection(live.connection)
fleet.listen(() => {
  head.fleet(fleet)
  sayCounts()
})
window.addEventListener('hashchange', open)
open()
live.open()
const none = (): void => undefined
new Asking<Alerts>({ path: '/api/alerts?limit=1', everyMs: ALERTS_MS, answered: sayAlerts, refused: none })
new Asking<Recordings>({
  path: '/api/recordings',
  everyMs: ROOTS_MS,
  answered: ({ roots }) => head.recordings(roots.length),
  refused: none,
})
new Asking<MirrorRows>({
  path: '/api/mirror',
  everyMs: ROOTS_MS,
  answered: ({ buckets }) => head.mirror(buckets.length),
  refused: none,
})

function footer(): HTMLElement {
  const promise = 'Every reading a gateway accepted stands in the cloud exactly once. Anyone can check'
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  return el('p', {}, `${promise}: `, el('code', {}, 'npx tidemark verify'), `. Times are those of ${zone}.`)
}
