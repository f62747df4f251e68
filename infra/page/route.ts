/** The address of a view: what stands behind the `#`, so that a reload, a bookmark and the way back find it again. */

export const SHOWN = ['all', 'open', 'silent', 'cut', 'closed', 'complete'] as const
export type Shown = (typeof SHOWN)[number]

export const SORTS = ['trouble', 'gateway', 'accepted', 'settled', 'pending', 'missing', 'journal', 'mark'] as const
export type Sort = (typeof SORTS)[number]

export interface FleetRoute {
  readonly view: 'fleet'
  readonly shown: Shown
  readonly search: string
  readonly sort: Sort
}

export interface GatewayRoute {
  readonly view: 'gateway'
  readonly gateway: string
}

export interface QuarantineRoute {
  readonly view: 'quarantine'
  /** A code of its entries; empty for all. */
  readonly code: string
}

export interface AlertsRoute {
  readonly view: 'alerts'
}

export interface RecordingsRoute {
  readonly view: 'recordings'
}

export interface MirrorRoute {
  readonly view: 'mirror'
}

export type Route = FleetRoute | GatewayRoute | QuarantineRoute | AlertsRoute | RecordingsRoute | MirrorRoute

/** What it can not read is the whole fleet. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?')
  const asked = new URLSearchParams(query)
  const gateway = /^\/gateway\/([^/]+)$/.exec(path)?.[1]
  if (gateway !== undefined) return { view: 'gateway', gateway: decoded(gateway) }
  if (path === '/quarantine') return { view: 'quarantine', code: asked.get('code') ?? '' }
  if (path === '/alerts') return { view: 'alerts' }
  if (path === '/recordings') return { view: 'recordings' }
  if (path === '/mirror') return { view: 'mirror' }
  return {
    view: 'fleet',
    shown: SHOWN.find((each) => each === asked.get('show')) ?? 'all',
    search: asked.get('search') ?? '',
    sort: SORTS.find((each) => each === asked.get('sort')) ?? 'trouble',
  }
}

export function hashOf(route: Route): string {
  if (route.view === 'gateway') return `#/gateway/${encodeURIComponent(route.gateway)}`
  if (route.view === 'alerts' || route.view === 'recordings' || route.view === 'mirror') return `#/${route.view}`
  const asked = new URLSearchParams()
  if (route.view === 'quarantine') {
    if (route.code !== '') asked.set('code', route.code)
    return `#/quarantine${asked.size === 0 ? '' : `?${asked}`}`
  }
  if (route.shown !== 'all') asked.set('show', route.shown)
  if (route.search !== '') asked.set('search', route.search)
  if (route.sort !== 'trouble') asked.set('sort', route.sort)
  return `#/${asked.size === 0 ? '' : `?${asked}`}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
