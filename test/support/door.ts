/** A door over a fake journal, with two declared types, for the tests of everything that sends readings. */

import { pino } from 'pino'
import type { MessageType, MessageTypes } from '../../schemas/message-type.ts'
import type { ValueKind } from '../../schemas/reading.ts'
import { type Door, openDoor } from '../../services/gateway/door-requests.ts'
import type { Clock } from '../../services/ports/clock.ts'
import { type FakeJournal, fakeJournal } from './fake-journal.ts'

export const SILENT = pino({ level: 'silent' })

export interface TestDoor {
  readonly door: Door
  readonly journal: FakeJournal
  /** Lets time pass. */
  advance(ms: number): void
}

function type(name: string, fields: readonly (readonly [string, ValueKind, boolean])[]): [string, MessageType] {
  const parsed = fields.map(([field, kind, optional]) => ({ name: field, kind, optional }))
  return [name, { name, doc: '', fields: parsed, valuesSchema: {} }]
}

export const TEST_TYPES: MessageTypes = new Map([
  type('temperature', [
    ['temperature', 'double', true],
    ['pressure', 'double', true],
    ['wind', 'double', true],
  ]),
  type('weather', [
    ['precipitation', 'double', true],
    ['temp_max', 'double', true],
    ['temp_min', 'double', true],
    ['wind', 'double', true],
    ['weather', 'string', true],
  ]),
  type('probe', [
    ['level', 'double', false],
    ['raw', 'integer', true],
    ['low', 'boolean', true],
    ['note', 'string', true],
  ]),
])

export function testDoor(undeclared: 'accept' | 'refuse' = 'accept'): TestDoor {
  const journal = fakeJournal()
  let nowMs = 0
  const clock: Clock = {
    wallMs: () => 1_700_000_000_000 + nowMs,
    monotonicMs: () => nowMs,
    sleep: async (_ms, signal) => signal.throwIfAborted(),
  }
  const door = openDoor({ journal, clock, logger: SILENT, types: TEST_TYPES, undeclared })
  return {
    door,
    journal,
    advance: (ms) => {
      nowMs += ms
    },
  }
}
