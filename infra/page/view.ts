/** What every view of the page is, and what it is given. */

import type { FleetState } from './fleet-state.ts'
import type { Live } from './live.ts'
import type { Route } from './route.ts'

export interface View {
  readonly element: HTMLElement
  readonly title: string
  /** Once, when the element stands in the page. */
  shown?(): void
  /** The connection to the server changed. */
  connectionChanged?(): void
  close(): void
}

export interface PageContext {
  readonly fleet: FleetState
  readonly live: Live
  /** Puts the route into the address without a step in the history. */
  remember(route: Route): void
}
