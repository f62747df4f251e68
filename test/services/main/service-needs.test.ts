/** Which settings a service in a process of its own refuses, and how it says so. */

import { expect, test } from 'vitest'
import { parseSettings } from '../../../services/core/settings.ts'
import {
  assertLogIsShared,
  assertServiceCanRun,
  type Service,
  serviceFaults,
} from '../../../services/main/service-needs.ts'

const SHARED = {
  TIDEMARK_MESSAGE_LOG: 'kafka',
  TIDEMARK_KAFKA_BROKERS: 'kafka:9092',
  TIDEMARK_REGISTRY: 'http://registry:8081',
  TIDEMARK_LEDGER: 'mongodb',
  TIDEMARK_STORES: 'mongodb',
  TIDEMARK_MONGODB_URL: 'mongodb://mongo/fleet',
  TIDEMARK_GATEWAY_ID: 'local',
}

function parsed(env: Readonly<Record<string, string>>) {
  const result = parseSettings({ env })
  if (!result.ok) throw new Error(result.faults.join('\n'))
  return result
}

/** The settings that the faults begin with. */
function refused(service: Service, env: Readonly<Record<string, string>>, store?: string): readonly string[] {
  return serviceFaults(service, parsed(env), store).map((fault) => fault.split(':')[0] ?? '')
}

test.each(['gateway', 'recovery', 'sink', 'status'] as const)(
  '%s runs on engines that several processes reach',
  (service) => {
    expect(refused(service, SHARED, 'mongodb')).toEqual([])
  },
)

test.each([
  ['gateway', ['MESSAGE_LOG', 'REGISTRY', 'GATEWAY_ID']],
  ['recovery', ['MESSAGE_LOG', 'REGISTRY', 'LEDGER', 'STORES']],
  ['sink', ['MESSAGE_LOG', 'REGISTRY', 'STORES']],
  ['status', ['LEDGER', 'STORES']],
] as const)('%s refuses every engine that one process alone can hold, all at once', (service, names) => {
  expect(refused(service, {}, 'embedded')).toEqual(names)
})

test('a gateway has no use for ledger and stores, and asks for none', () => {
  const { TIDEMARK_LEDGER: _, TIDEMARK_STORES: __, TIDEMARK_MONGODB_URL: ___, ...edge } = SHARED
  expect(refused('gateway', edge)).toEqual([])
})

test('a gateway whose name nobody chose is refused, so that no two share one', () => {
  const { TIDEMARK_GATEWAY_ID: _, ...unnamed } = SHARED
  expect(refused('gateway', unnamed)).toEqual(['GATEWAY_ID'])
})

test('a sink runs only for a store that the proof asks for', () => {
  expect(refused('sink', SHARED, 'influxdb')).toEqual(['--store'])
})

test('the refusal says what came, what to set, and what runs without it', () => {
  const [fault] = serviceFaults('status', parsed({ ...SHARED, TIDEMARK_LEDGER: 'embedded' }))
  expect(fault).toContain('expected mongodb; came embedded')
  expect(fault).toContain('set TIDEMARK_LEDGER')
  expect(fault).toContain("'tidemark up'")
  expect(() => assertServiceCanRun('status', parsed({}))).toThrow(expect.objectContaining({ code: 'settings-invalid' }))
})

test('what a page needs of the log is refused with every setting that is missing, and only where one is', () => {
  expect(() => assertLogIsShared(parsed(SHARED).settings)).not.toThrow()
  const { TIDEMARK_MESSAGE_LOG: _, TIDEMARK_REGISTRY: __, ...alone } = SHARED
  expect(() => assertLogIsShared(parsed(alone).settings)).toThrow(
    expect.objectContaining({ code: 'log-unavailable', message: expect.stringMatching(/MESSAGE_LOG.*REGISTRY/) }),
  )
})
