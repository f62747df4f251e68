/** Wrappers that make a working log or store fail in chosen ways. */

import { TidemarkError } from '../../services/core/errors.ts'
import type { MessageLog, Outgoing } from '../../services/ports/message-log.ts'
import type { ArrivingReading, ReadingStore } from '../../services/ports/reading-store.ts'
import type { TopicName } from '../../topics/index.ts'

/** Takes the records as if they had been appended, and drops those the test chooses. */
export function losingLog(messageLog: MessageLog, isLost: (topic: TopicName, record: Outgoing) => boolean): MessageLog {
  return new Proxy(messageLog, {
    get(target, name) {
      if (name === 'produce') {
        return async (topic: TopicName, records: readonly Outgoing[], signal?: AbortSignal) => {
          const kept = records.filter((record) => !isLost(topic, record))
          const offsets = kept.length === 0 ? [] : await target.produce(topic, kept, signal)
          return records.map((_, i) => offsets[i] ?? 0)
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Appends the records, those that the test chooses with a value that nobody can read. */
export function spoilingLog(
  messageLog: MessageLog,
  isSpoilt: (topic: TopicName, record: Outgoing) => boolean,
): MessageLog {
  return new Proxy(messageLog, {
    get(target, name) {
      if (name === 'produce') {
        return (topic: TopicName, records: readonly Outgoing[], signal?: AbortSignal) => {
          const sent = records.map((each) =>
            isSpoilt(topic, each) ? { ...each, value: new Uint8Array([1, 2, 3]) } : each,
          )
          return target.produce(topic, sent, signal)
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

export interface SwitchedStore extends ReadingStore {
  away: boolean
  /** What the store says of itself in place of its own generation, as when rows were removed by hand. */
  saysGeneration: string | undefined
  /** What it can never hold. */
  refuses: (arriving: ArrivingReading) => boolean
}

export function switchedStore(store: ReadingStore): SwitchedStore {
  const check = (self: SwitchedStore): void => {
    if (self.away) throw new TidemarkError('store-unavailable', 'switched off by the test')
  }
  const self: SwitchedStore = {
    away: false,
    saysGeneration: undefined,
    refuses: () => false,
    name: store.name,
    generation: async () => {
      check(self)
      return self.saysGeneration ?? store.generation()
    },
    renew: () => store.renew(),
    write: async (readings, signal) => {
      check(self)
      if (readings.some(self.refuses)) throw new TidemarkError('batch-refused', 'it holds what the test lets it refuse')
      const result = await store.write(readings, signal)
      return { ...result, generation: self.saysGeneration ?? result.generation }
    },
    read: (filter, signal) => store.read(filter, signal),
    probe: async (signal) => {
      check(self)
      return store.probe(signal)
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
  return self
}
