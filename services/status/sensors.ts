/** Which sensors a gateway has: from the keys of its manifests, each read once; from a store where none has come yet. */

import type { GatewayId } from '../../schemas/reading.ts'
import { TidemarkError } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { MessageLog } from '../ports/message-log.ts'
import type { SensorRow, Sensors } from './page-api.ts'
import type { PlotStore } from './plot.ts'

interface Known {
  /** From where its partition of `manifests` is read on. */
  next: number | 'earliest'
  readonly names: Map<string, SensorRow>
  /** Monotonic. */
  readMs: number
  reading: Promise<void> | undefined
}

const GATEWAYS_MAX = 64
const SENSORS_MAX = 5_000
const READ_EVERY_MS = 5_000
const STORE_READINGS_MAX = 20_000

export interface SensorSources {
  readonly clock: Clock
  /** Throws where this process has no log, or it does not answer. */
  log(): Promise<MessageLog>
  readonly stores: readonly PlotStore[]
  breathe(): Promise<void>
  /** Aborted when the process ends. */
  readonly signal: AbortSignal
}

export class SensorNames {
  readonly #sources: SensorSources
  /** The one asked for last is the last. */
  readonly #known = new Map<string, Known>()

  constructor(sources: SensorSources) {
    this.#sources = sources
  }

  async of(gateway: string, signal: AbortSignal): Promise<Sensors> {
    const known = this.#keep(gateway)
    known.reading ??= this.#read(gateway, known).finally(() => {
      known.reading = undefined
    })
    const failure = await known.reading.then(
      () => undefined,
      (error: unknown) => error,
    )
    signal.throwIfAborted()
    if (known.names.size > 0) return { sensors: [...known.names.values()].sort(byName) }
    const found = await this.#fromStore(gateway, signal)
    if (found === undefined && failure !== undefined) throw failure
    return { sensors: found ?? [] }
  }

  #keep(gateway: string): Known {
    const known = this.#known.get(gateway) ?? {
      next: 'earliest',
      names: new Map(),
      readMs: Number.NEGATIVE_INFINITY,
      reading: undefined,
    }
    this.#known.delete(gateway)
    this.#known.set(gateway, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > GATEWAYS_MAX && oldest !== undefined) this.#known.delete(oldest)
    return known
  }

  async #read(gateway: string, known: Known): Promise<void> {
    const { clock, log, breathe, signal } = this.#sources
    if (clock.monotonicMs() - known.readMs < READ_EVERY_MS) return
    const messageLog = await log()
    const partition = messageLog.partitionOf(gateway)
    const until = (await messageLog.offsets('manifests'))[partition]?.next ?? 0
    const tail = { topic: 'manifests', partition, from: known.next, until, headersOnly: true } as const
    if (known.next === 'earliest' || known.next < until) {
      for await (const records of messageLog.tail(tail, signal)) {
        for (const { key } of records) noteKey(known.names, gateway, key)
        known.next = (records.at(-1)?.offset ?? 0) + 1
        await breathe()
      }
    }
    known.next = until
    known.readMs = clock.monotonicMs()
  }

  /** `undefined` where none can be read. */
  async #fromStore(gateway: string, signal: AbortSignal): Promise<readonly SensorRow[] | undefined> {
    for (const store of this.#sources.stores) {
      try {
        const opened = await store.open()
        const names = new Map<string, SensorRow>()
        let left = STORE_READINGS_MAX
        for await (const batch of opened.read({ gateway: gateway as GatewayId }, signal)) {
          for (const { reading } of batch) note(names, reading.type, reading.sensor)
          left -= batch.length
          if (left <= 0) break
          await this.#sources.breathe()
        }
        return [...names.values()].sort(byName)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof TidemarkError)) throw error
      }
    }
    return undefined
  }
}

/** `GATEWAY/JOURNAL/TYPE/SENSOR/DAY`: names hold no slash. */
function noteKey(names: Map<string, SensorRow>, gateway: string, key: string): void {
  const [of, , type, sensor] = key.split('/')
  if (of === gateway && type !== undefined && sensor !== undefined) note(names, type, sensor)
}

function note(names: Map<string, SensorRow>, type: string, sensor: string): void {
  const name = `${type}/${sensor}`
  if (!names.has(name) && names.size < SENSORS_MAX) names.set(name, { type, sensor })
}

function byName(x: SensorRow, y: SensorRow): number {
  return x.type === y.type ? (x.sensor < y.sensor ? -1 : 1) : x.type < y.type ? -1 : 1
}
