/** Where what stands below the data directory: one file each, so that one can be wiped without the others. */

import { join } from 'node:path'

export function gatewaysDir(dataDir: string): string {
  return join(dataDir, 'gateways')
}

export function journalPath(dataDir: string, gateway: string): string {
  return join(gatewaysDir(dataDir), gateway, 'journal.mdb')
}

export function linksPath(dataDir: string): string {
  return join(dataDir, 'links.json')
}

/** What the engines keep for the installation as a whole; the paths are those that `infra/index.ts` opens. */
export function dataFiles(dataDir: string, stores: readonly string[]) {
  return [
    { kind: 'log', path: join(dataDir, 'log.mdb') },
    { kind: 'registry', path: join(dataDir, 'registry.mdb') },
    { kind: 'ledger', path: join(dataDir, 'ledger.mdb') },
    ...stores.map((name) => ({ kind: 'store', path: join(dataDir, 'stores', `${name}.mdb`) }) as const),
  ] as const
}

export function recordingsPath(dataDir: string): string {
  return join(dataDir, 'recordings.mdb')
}

/** Of one service's process. */
export function alertsPath(dataDir: string, service: string): string {
  return join(alertsDir(dataDir), `${service.replaceAll(' ', '-')}.json`)
}

export function alertsDir(dataDir: string): string {
  return join(dataDir, 'alerts')
}

/** How the mirror of this data directory stands. */
export function mirrorPath(dataDir: string): string {
  return join(dataDir, 'mirror.json')
}

/** What `clear` empties, in words and as path. */
export function clearable(dataDir: string): readonly (readonly [what: string, path: string])[] {
  return [
    ['the log and its offsets', join(dataDir, 'log.mdb')],
    ['the schema registry', join(dataDir, 'registry.mdb')],
    ['the ledger', join(dataDir, 'ledger.mdb')],
    ['the stores', join(dataDir, 'stores')],
    ['the index of recordings', recordingsPath(dataDir)],
    ['the journals', gatewaysDir(dataDir)],
    ['the cut links', linksPath(dataDir)],
    ['the alerts', alertsDir(dataDir)],
    ['how the mirror stands', mirrorPath(dataDir)],
  ]
}
