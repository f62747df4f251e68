/** A command's context for tests: the embedded log in memory, the real codec, stores and registry that do as they are told, and what was said. */

import { pino } from 'pino'
import { embeddedLedgerStore } from '../../infra/embedded/ledger-store.ts'
import { embeddedMessageLog } from '../../infra/embedded/message-log.ts'
import { systemRandom } from '../../infra/system.ts'
import type { MessageTypes } from '../../schemas/message-type.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import type { CommandContext } from '../../services/commands/context.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { parseSettings } from '../../services/core/settings.ts'
import type { Clock } from '../../services/ports/clock.ts'
import type { ReadingStore } from '../../services/ports/reading-store.ts'
import type { SchemaRegistry } from '../../services/ports/schema-registry.ts'
import { memoryKv } from './memory-kv.ts'

export const NOW_MS = 1_772_000_000_000

export interface Said {
  out: string
  note: string
}

export interface TestContext extends CommandContext {
  readonly said: Said
}

/** Time stands still; a sleep ends only by its signal. */
const stillClock: Clock = {
  wallMs: () => NOW_MS,
  monotonicMs: () => 0,
  sleep: (_ms, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    }),
}

export async function commandContext(given: Partial<CommandContext> = {}): Promise<TestContext> {
  const kv = memoryKv()
  const said: Said = { out: '', note: '' }
  const registry = given.registry ?? mapRegistry()
  const types: MessageTypes = given.types ?? new Map()
  const parsed = parseSettings({ env: {} })
  if (!parsed.ok) throw new TypeError(parsed.faults.join('\n'))
  return {
    settings: parsed.settings,
    messageLog: embeddedMessageLog({ kv, clock: stillClock }),
    codec: await openWireCodec(registry, types),
    registry,
    types,
    stores: new Map(),
    ledger: embeddedLedgerStore(kv),
    clock: stillClock,
    random: systemRandom,
    logger: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    out: async (text) => {
      said.out += text
    },
    note: (text) => {
      said.note += text
    },
    terminal: false,
    said,
    ...given,
  }
}

/** Knows schemas by text; `refusing` gives the reasons for a subject. */
export function mapRegistry(refusing: (subject: string) => readonly string[] = () => []): SchemaRegistry {
  const schemas: string[] = []
  const subjects = new Map<string, number>()
  return {
    register: async (subject, schema) => {
      const known = schemas.indexOf(schema)
      const id = known === -1 ? schemas.push(schema) : known + 1
      subjects.set(subject, id)
      return id
    },
    byId: async (id) => {
      const schema = schemas[id - 1]
      if (schema === undefined) throw new TidemarkError('schema-unknown')
      return { id, schema }
    },
    latest: async (subject) => {
      const id = subjects.get(subject)
      return id === undefined ? undefined : { id, schema: schemas[id - 1] ?? '' }
    },
    check: async (subject) => refusing(subject),
    subjects: async () => [...subjects.keys()],
    [Symbol.asyncDispose]: async () => undefined,
  }
}

/** A store that holds nothing and answers unless it is `away`. Every renewal adds a `+` to its generation. */
export function namedStore(name: string, away = false): ReadingStore {
  let generation = `${name}-1`
  return {
    name,
    generation: async () => generation,
    renew: async () => {
      generation += '+'
      return generation
    },
    write: async () => ({ generation, landings: [] }),
    read: async function* () {},
    probe: async () => {
      if (away) throw new TidemarkError('store-unavailable', 'connection refused')
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}
