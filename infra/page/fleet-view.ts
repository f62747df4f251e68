/** The fleet at a glance: a table of all gateways, trouble first, that keeps still while somebody reads in it. */

import type { GatewayRow } from '../../services/status/page-api.ts'
import { el, setAttribute, setChildren, setHidden } from './dom.ts'
import { fleetOrder, isShown, troubleOf } from './fleet-order.ts'
import { FLEET_COLUMNS, fleetRow } from './fleet-row.ts'
import type { Changed } from './fleet-state.ts'
import { type FleetTools, fleetTools } from './fleet-tools.ts'
import { clock } from './format.ts'
import { empty } from './marks.ts'
import type { FleetRoute } from './route.ts'
import type { PageContext, View } from './view.ts'
import { VirtualRows } from './virtual-rows.ts'

/** Where somebody was in the table, for the way back. */
export interface FleetPlace {
  scrolledPx: number
  gateway: string | undefined
}

export class FleetView implements View {
  readonly title = 'Fleet'
  readonly element: HTMLElement
  readonly #context: PageContext
  readonly #place: FleetPlace
  readonly #table: HTMLElement
  readonly #body = el('div', { role: 'rowgroup', class: 'rows' })
  readonly #nothing = el('div')
  readonly #tools: FleetTools
  readonly #rows: VirtualRows<GatewayRow>
  readonly #heads: readonly { readonly element: HTMLElement; update(route: FleetRoute): void }[]
  readonly #unlisten: () => void
  /** What each row was worth when the order was made. */
  #weights = new Map<string, number>()
  #moved = new Set<string>()
  #route: FleetRoute

  constructor(route: FleetRoute, context: PageContext, place: FleetPlace) {
    this.#route = route
    this.#context = context
    this.#place = place
    this.#heads = FLEET_COLUMNS.map((column) => headCell(column, (sort) => this.#go({ sort })))
    this.#tools = fleetTools({
      search: route.search,
      show: (shown) => this.#go({ shown }),
      searchFor: (search) => this.#go({ search }),
      sortAgain: () => this.#order(),
    })
    this.#table = el(
      'div',
      { role: 'table', 'aria-label': 'Gateways', class: 'fleet', 'aria-colcount': FLEET_COLUMNS.length },
      el(
        'div',
        { role: 'rowgroup', class: 'heads' },
        el('div', { role: 'row', class: 'row', 'aria-rowindex': 1 }, ...this.#heads.map(({ element }) => element)),
      ),
      this.#body,
    )
    this.element = el(
      'div',
      { class: 'view' },
      el('h1', { tabindex: -1 }, 'Fleet'),
      this.#tools.element,
      this.#table,
      this.#nothing,
    )
    this.#rows = new VirtualRows({
      body: this.#body,
      item: (gateway) => context.fleet.rows.get(gateway),
      make: fleetRow,
      number: (element, index) => setAttribute(element, 'aria-rowindex', index + 2),
    })
    this.#unlisten = context.fleet.listen((changed) => this.#changed(changed))
  }

  shown(): void {
    this.#order()
    this.connectionChanged()
    if (this.#place.gateway === undefined) return
    window.scrollTo({ top: this.#place.scrolledPx, behavior: 'instant' })
    this.#rows.focus(this.#place.gateway)
  }

  connectionChanged(): void {
    this.#sayWhatIsNotThere()
  }

  close(): void {
    this.#place.scrolledPx = window.scrollY
    this.#place.gateway = this.#body.matches(':focus-within') ? this.#rows.active : undefined
    this.#unlisten()
    this.#rows.close()
  }

  #go(part: Partial<FleetRoute>): void {
    this.#route = { ...this.#route, ...part }
    this.#context.remember(this.#route)
    this.#order()
  }

  #changed(changed: Changed): void {
    if (changed === 'all') {
      this.#order()
      this.#rows.refresh('all')
      return
    }
    for (const gateway of changed) {
      const row = this.#context.fleet.rows.get(gateway)
      if (row !== undefined && this.#stands(row)) this.#moved.delete(gateway)
      else this.#moved.add(gateway)
    }
    if (this.#moved.size > 0 && !this.#isBeingRead()) this.#order()
    this.#rows.refresh(changed)
    this.#update()
  }

  /** Whether the row is where it would be if the order were made now. */
  #stands(row: GatewayRow): boolean {
    const weight = this.#weights.get(row.gateway)
    return isShown(row, this.#route) ? weight === troubleOf(row) : weight === undefined
  }

  /** Somebody's pointer, focus or scrolling is in the table: what they look at must not run away. */
  #isBeingRead(): boolean {
    return this.#body.matches(':hover, :focus-within') || window.scrollY > this.#body.offsetTop
  }

  #order(): void {
    const { rows } = this.#context.fleet
    const keys = fleetOrder(rows.values(), this.#route)
    this.#weights = new Map(keys.map((gateway) => [gateway, troubleOf(rows.get(gateway) as GatewayRow)]))
    this.#moved = new Set()
    this.#rows.set(keys)
    this.#update()
  }

  #update(): void {
    const { counts, asOf } = this.#context.fleet
    this.#tools.update({ counts, asOf, shown: this.#route.shown })
    this.#tools.moved(this.#moved.size)
    for (const head of this.#heads) head.update(this.#route)
    setAttribute(this.#table, 'aria-rowcount', this.#rows.keys.length + 1)
    this.#sayWhatIsNotThere()
  }

  #sayWhatIsNotThere(): void {
    const none = this.#rows.keys.length === 0
    setHidden(this.#table, none)
    setHidden(this.#nothing, !none)
    if (!none) return
    const said = nothing(this.#context)
    // Somebody may be copying it.
    if (said.textContent !== this.#nothing.textContent) setChildren(this.#nothing, [said])
  }
}

function nothing({ fleet, live }: PageContext): HTMLElement {
  const { connection } = live
  if (fleet.asOf === null && connection.state === 'away') {
    return empty(
      `Nothing to show: ${connection.reason} (since ${clock(connection.sinceMs)}). This page tries again by itself.`,
    )
  }
  if (fleet.asOf === null) return empty('Asking the server …')
  if (fleet.rows.size > 0) return empty('No gateway is like that. Show all, or change the search.')
  const reading = `'[{"type": "temperature", "sensor": "roof", "values": {"temperature": 21.5}}]'`
  return el(
    'div',
    { class: 'empty' },
    el('p', {}, 'No gateway yet. Send one reading:'),
    el(
      'pre',
      { tabindex: 0 },
      el('code', {}, `curl ${location.origin}/readings -H 'Content-Type: application/json' -d ${reading}`),
    ),
  )
}

function headCell(
  { name, className, sort }: (typeof FLEET_COLUMNS)[number],
  choose: (sort: FleetRoute['sort']) => void,
): { readonly element: HTMLElement; update(route: FleetRoute): void } {
  const content = sort === undefined ? name : el('button', { type: 'button', click: () => choose(sort) }, name)
  const element = el('div', { role: 'columnheader', class: `cell ${className}` }, content)
  const direction = sort === 'gateway' || sort === 'trouble' ? 'ascending' : 'descending'
  return {
    element,
    update: (route) => setAttribute(element, 'aria-sort', route.sort === sort ? direction : undefined),
  }
}
