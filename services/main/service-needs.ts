/** What each service needs of the settings to run in a process of its own: engines that several processes reach. */

import type { ServiceOptions } from '../commands/command-set.ts'
import { TidemarkError } from '../core/errors.ts'
import { MIRROR_KEYS } from '../core/mirror-settings.ts'
import { SETTINGS } from '../core/setting-declarations.ts'
import type { ParsedSettings, Settings } from '../core/settings.ts'

export type Service = ServiceOptions['service']

/** `store` is the one a sink was asked for. Throws `settings-invalid` with everything that is wrong, a line each. */
export function assertServiceCanRun(service: Service, parsed: ParsedSettings, store?: string): void {
  if (!parsed.ok) return
  const faults = serviceFaults(service, parsed, store)
  if (faults.length > 0) throw new TidemarkError('settings-invalid', faults.map((fault) => `\n  ${fault}`).join(''))
}

/** For what a service does only where it has log and registry. Throws `log-unavailable` where the settings name none that several processes reach. */
export function assertLogIsShared(settings: Settings): void {
  const faults = logNeeds(settings)
  if (faults.length > 0) throw new TidemarkError('log-unavailable', faults.join('; '))
}

/** One sentence each: what was expected, what came, what to do. */
export function serviceFaults(
  service: Service,
  { settings, rows }: Pick<Extract<ParsedSettings, { readonly ok: true }>, 'settings' | 'rows'>,
  store?: string,
): readonly string[] {
  const isNamed = rows.some(({ name, source }) => name === 'GATEWAY_ID' && source !== 'default')
  const needs = {
    gateway: () => [...logNeeds(settings), ...(isNamed ? [] : [GATEWAY_UNNAMED])],
    recovery: () => [...logNeeds(settings), ...ledgerNeeds(settings), ...storeNeeds(settings)],
    sink: () => [...logNeeds(settings), ...storeNeeds(settings), ...sinkNeeds(settings, store)],
    status: () => [...ledgerNeeds(settings), ...storeNeeds(settings)],
    indexer: () => rootNeeds(settings),
  }
  return needs[service]()
}

/** A mirror needs two ends, whatever else is set. Throws `settings-invalid` with everything that is wrong, a line each. */
export function assertMirrorCanRun(settings: Settings): void {
  const faults = Object.entries(MIRROR_NEEDS).flatMap(([key, what]) => {
    const { name } = SETTINGS[key as keyof typeof MIRROR_NEEDS]
    if (settings[key as keyof typeof MIRROR_NEEDS] !== undefined) return []
    const original = MIRROR_KEYS.find(([, each]) => each === name)?.[0]
    return [`${name}: expected ${what}; came none; set TIDEMARK_${name}, or ${original} in the file of --config`]
  })
  if (faults.length > 0) throw new TidemarkError('settings-invalid', faults.map((fault) => `\n  ${fault}`).join(''))
}

const MIRROR_NEEDS = {
  mirrorSourceUrl: 'where the source is',
  mirrorSourceToken: 'its token',
  mirrorSourceOrg: 'its organisation',
  mirrorTargetUrl: 'where the target is',
  mirrorTargetToken: 'its token',
  mirrorTargetOrg: 'its organisation',
  mirrorBuckets: 'the names of buckets',
} as const

function rootNeeds({ recordingRoots }: Settings): readonly string[] {
  if (recordingRoots !== undefined) return []
  return [
    'RECORDING_ROOTS: expected the folders of recordings; came none; set TIDEMARK_RECORDING_ROOTS, such as /data/recordings',
  ]
}

const ALONE = 'which one process alone can hold'
const OR_UP = "or run 'tidemark up', which is all services in one process"
const GATEWAY_UNNAMED =
  'GATEWAY_ID: expected the name of this gateway, which no other gateway has; came none; set TIDEMARK_GATEWAY_ID'

function logNeeds({ messageLog, registry }: Settings): readonly string[] {
  return [
    ...(messageLog === 'embedded'
      ? [`MESSAGE_LOG: expected kafka; came embedded, ${ALONE}; set TIDEMARK_MESSAGE_LOG, ${OR_UP}`]
      : []),
    ...(registry === 'embedded'
      ? [`REGISTRY: expected the URL of a registry; came embedded, ${ALONE}; set TIDEMARK_REGISTRY, ${OR_UP}`]
      : []),
  ]
}

function ledgerNeeds({ ledger }: Settings): readonly string[] {
  return ledger === 'embedded'
    ? [`LEDGER: expected mongodb; came embedded, ${ALONE}; set TIDEMARK_LEDGER, ${OR_UP}`]
    : []
}

function storeNeeds({ stores }: Settings): readonly string[] {
  if (!stores.includes('embedded')) return []
  return [
    `STORES: expected mongodb, influxdb or both; came ${stores.join(',')}: embedded is a store ${ALONE}; set TIDEMARK_STORES, ${OR_UP}`,
  ]
}

function sinkNeeds({ stores }: Settings, store: string | undefined): readonly string[] {
  if (stores.some((each) => each === store)) return []
  return [
    `--store: expected one of STORES (${stores.join(', ')}); came ${store ?? 'none'}; name it in TIDEMARK_STORES first`,
  ]
}
