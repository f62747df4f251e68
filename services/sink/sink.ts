/** A sink: reads `readings` and `recovery_data`, lands them in one store, tells `landings` what became of them, then commits. */

import type { Logger } from 'pino'
import type { WireCodec } from '../../schemas/codec.ts'
import type { Epoch, GatewayId } from '../../schemas/reading.ts'
import type { ReadingBatch } from '../../schemas/records/batch.ts'
import type { Landings, LandingsRecord, QuarantineEntry } from '../../schemas/records/events.ts'
import { delayMs } from '../core/delay.ts'
import { codeOf } from '../core/errors.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { Consumer, ConsumerEvent, LogRecord, MessageLog, Outgoing } from '../ports/message-log.ts'
import type { ArrivingReading, Landing, ReadingStore, WriteResult } from '../ports/reading-store.ts'
import {
  type Arrival,
  type Arrivals,
  addRecord,
  landingsOf,
  newArrivals,
  offsetOf,
  poisonEntry,
  refusedEntry,
  type SourceTopic,
} from './arrivals.ts'
import { Lander, type StoreHealth } from './lander.ts'

export interface SinkOptions {
  readonly store: ReadingStore
  readonly messageLog: MessageLog
  readonly codec: WireCodec
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface SinkCounts {
  readonly records: number
  readonly stored: number
  readonly duplicate: number
  readonly conflict: number
  readonly rejected: number
  readonly undecodable: number
}

/** Readings in one write, unless the store says otherwise. Few: what a garbage collection finds alive it has to copy. */
const WRITE_READINGS = 5_000
/** Of a reading on the log, about. */
const READING_BYTES = 60
const RETRY = { firstMs: 200, maxMs: 10_000 }

interface Positions {
  readonly readings: number
  readonly recovery_data: number
}

const NO_READINGS: readonly ArrivingReading[] = []
const NO_POSITIONS: Positions = { readings: 0, recovery_data: 0 }

function sinkGroup(store: string): string {
  return `sink-${store}`
}

export class Sink {
  readonly #options: SinkOptions
  readonly #lander: Lander
  readonly #counts = { records: 0, stored: 0, duplicate: 0, conflict: 0, rejected: 0, undecodable: 0 }
  /** What the last landings of each gateway said of its mark, to leave out marks that only repeat it. */
  readonly #toldMarks = new Map<GatewayId, string>()
  /** From where this sink reads on, by partition; and of which generation of the store it has said so. */
  readonly #positions = new Map<number, Positions>()
  #stated: string | undefined

  constructor(options: SinkOptions) {
    this.#options = options
    this.#lander = new Lander(options.store, options.clock, options.random, options.logger)
  }

  get health(): StoreHealth {
    return this.#lander.health
  }

  get counts(): SinkCounts {
    return { ...this.#counts }
  }

  /** Runs until the signal aborts. The log being away is waited out; anything it had not committed comes again. */
  async run(signal: AbortSignal): Promise<void> {
    const { messageLog, store, clock, random, logger } = this.#options
    for (let attempt = 1; !signal.aborted; attempt++) {
      this.#positions.clear()
      this.#stated = undefined
      await using consumer = messageLog.consume({ group: sinkGroup(store.name), topics: ['readings', 'recovery_data'] })
      try {
        for await (const event of consumer.events(signal)) {
          await this.#handle(consumer, event, signal)
          attempt = 1
        }
        if (!signal.aborted) return
      } catch (error) {
        if (signal.aborted) return
        if (codeOf(error) !== 'log-fenced') logger.warn({ err: error, store: store.name }, 'the sink starts over')
        await clock.sleep(delayMs(attempt, { ...RETRY, chance: random.next() }), signal).catch(() => undefined)
      }
    }
  }

  async #handle(consumer: Consumer, event: ConsumerEvent, signal: AbortSignal): Promise<void> {
    if (event.kind === 'revoked') {
      for (const partition of event.partitions) this.#positions.delete(partition)
      return
    }
    if (event.kind === 'assigned') return this.#assigned(event.partitions, signal)
    const topic = event.topic as SourceTopic
    for (const run of inRuns(event.records, this.#options.store.readingsPerWrite ?? WRITE_READINGS)) {
      await this.#landRecords(topic, event.partition, run, signal)
      const held = this.#positions.get(event.partition) ?? NO_POSITIONS
      this.#positions.set(event.partition, { ...held, [topic]: (run.at(-1)?.offset ?? 0) + 1 })
    }
    const last = event.records.at(-1)
    if (last === undefined) return
    try {
      await consumer.commit(event.topic, event.partition, last.offset + 1)
    } catch (error) {
      // The partition has gone to another member, as the next event will say. To leave for that would only move partitions once more.
      if (codeOf(error) !== 'log-fenced') throw error
    }
  }

  async #assigned(
    partitions: Extract<ConsumerEvent, { kind: 'assigned' }>['partitions'],
    signal: AbortSignal,
  ): Promise<void> {
    for (const { partition, offsets } of partitions) {
      this.#positions.set(partition, { readings: offsets.readings ?? 0, recovery_data: offsets.recovery_data ?? 0 })
    }
    const generation = await this.#generation(signal)
    const fresh = new Set(partitions.map((each) => each.partition))
    await this.#statePositions(generation, generation === this.#stated ? fresh : undefined, signal)
  }

  /** Of these partitions, or of all that are this member's. */
  async #statePositions(generation: string, only: ReadonlySet<number> | undefined, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options
    const records: { record: LandingsRecord; key: string; partition: number }[] = []
    for (const [partition, { readings, recovery_data }] of this.#positions) {
      if (only?.has(partition) === false) continue
      const offsets = [
        { topic: 'readings' as const, next: readings },
        { topic: 'recovery_data' as const, next: recovery_data },
      ]
      const said = { kind: 'position' as const, store: store.name, generation, timeMs: clock.wallMs() }
      records.push({ key: store.name, partition, record: { ...said, partition, offsets } })
    }
    this.#toldMarks.clear()
    if (records.length > 0) await this.#append('landings', records, signal)
    this.#stated = generation
  }

  /** The store may be away when the sink starts: an empty landing waits for it as any other does. */
  async #generation(signal: AbortSignal): Promise<string> {
    return (await this.#lander.land([], signal)).generation
  }

  async #landRecords(
    topic: SourceTopic,
    partition: number,
    records: readonly LogRecord[],
    signal: AbortSignal,
  ): Promise<void> {
    const arrivals = newArrivals()
    for (const record of records) {
      addRecord(arrivals, topic, record, await this.#options.codec.decode(topic, record.value ?? new Uint8Array(0)))
    }
    const all = [...arrivals.byGateway.values()]
    const readings = NO_READINGS.concat(...all.map((arrival) => arrival.readings))
    const result = await this.#lander.land(readings, signal)
    // Wiped, restored or renewed while this sink was running: recovery has to hear of it, also when nothing more arrives.
    if (result.generation !== this.#stated) await this.#statePositions(result.generation, undefined, signal)
    await this.#quarantine(topic, partition, arrivals, result, signal)
    await this.#tell(topic, partition, all, result, signal)
    this.#count(records.length, arrivals, result)
  }

  async #tell(
    topic: SourceTopic,
    partition: number,
    arrivals: readonly Arrival[],
    result: WriteResult,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, clock } = this.#options
    const facts = { store: store.name, topic, partition, timeMs: clock.wallMs() }
    const out: { record: Landings; key: string }[] = []
    let from = 0
    for (const arrival of arrivals) {
      const part = {
        generation: result.generation,
        landings: result.landings.slice(from, from + arrival.readings.length),
      }
      from += arrival.readings.length
      if (this.#onlyRepeats(topic, arrival)) continue
      for (const record of landingsOf(arrival, part, facts)) out.push({ record, key: arrival.gateway })
    }
    if (out.length > 0) await this.#append('landings', out, signal)
  }

  #onlyRepeats(topic: SourceTopic, arrival: Arrival): boolean {
    if (topic !== 'readings') return false
    const said = JSON.stringify([
      [...arrival.highWaters].map(([epoch, { highWater }]) => [epoch, highWater]),
      [...arrival.finals.keys()],
    ])
    const repeats = arrival.readings.length === 0 && this.#toldMarks.get(arrival.gateway) === said
    this.#toldMarks.set(arrival.gateway, said)
    return repeats
  }

  async #quarantine(
    topic: SourceTopic,
    partition: number,
    arrivals: Arrivals,
    result: WriteResult,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, clock, codec, logger } = this.#options
    const entries: QuarantineEntry[] = []
    for (const poison of arrivals.poison) {
      const id = `${store.name}:${topic}:${partition}:${poison.record.offset}`
      entries.push(poisonEntry(poison, { id, store: store.name, topic, timeMs: clock.wallMs() }))
    }
    let from = 0
    for (const arrival of arrivals.byGateway.values()) {
      for (const [i, arriving] of arrival.readings.entries()) {
        const landing = result.landings[from + i] as Landing
        if (landing.outcome !== 'conflict' && landing.outcome !== 'rejected') continue
        const offset = offsetOf(arrival, i)
        const id = `${store.name}:${topic}:${partition}:${offset}:${arriving.epoch}:${arriving.reading.seq}`
        const raw = await codec.encode('recovery_data', alone(arriving.gateway, arriving.epoch, arriving.reading, id))
        const facts = { id, store: store.name, topic, partition, timeMs: clock.wallMs() }
        entries.push(refusedEntry({ arriving, offset, landing }, raw, facts))
      }
      from += arrival.readings.length
    }
    if (entries.length === 0) return
    for (const entry of entries) {
      logger.warn({ id: entry.id, code: entry.code, reason: entry.reason, gateway: entry.gateway }, 'quarantined')
    }
    const keyed = entries.map((record) => ({ record, key: record.gateway === '' ? record.id : record.gateway }))
    await this.#append('quarantine', keyed, signal)
  }

  async #append(
    topic: 'landings' | 'quarantine',
    records: readonly {
      readonly record: LandingsRecord | QuarantineEntry
      readonly key: string
      readonly partition?: number
    }[],
    signal: AbortSignal,
  ): Promise<void> {
    const { codec, messageLog } = this.#options
    const outgoing: Outgoing[] = []
    for (const { record, ...where } of records) {
      const value = await (topic === 'landings'
        ? codec.encode('landings', record as LandingsRecord)
        : codec.encode('quarantine', record as QuarantineEntry))
      outgoing.push({ ...where, value })
    }
    await messageLog.produce(topic, outgoing, signal)
  }

  #count(records: number, arrivals: Arrivals, result: WriteResult): void {
    this.#counts.records += records
    this.#counts.undecodable += arrivals.poison.length
    for (const landing of result.landings) this.#counts[landing.outcome] += 1
  }
}

/** One reading as an answer of its own: how quarantine keeps it, and how a redrive sends it again. */
function alone(gateway: GatewayId, epoch: Epoch, reading: ReadingBatch['readings'][number], id: string): ReadingBatch {
  const answer = { requestId: `redrive:${id}`, part: 1, lastPart: true, unavailable: [], redrive: true }
  return { kind: 'batch', gateway, epoch, type: reading.type, answer, readings: [reading] }
}

/** Runs of records that make about one write: cut by value bytes, because the readings in them are not counted before they are decoded. */
function* inRuns(records: readonly LogRecord[], readings: number): Iterable<readonly LogRecord[]> {
  const bytesMax = readings * READING_BYTES
  let run: LogRecord[] = []
  let bytes = 0
  for (const record of records) {
    run.push(record)
    bytes += record.value?.byteLength ?? 0
    if (bytes < bytesMax) continue
    yield run
    run = []
    bytes = 0
  }
  if (run.length > 0) yield run
}
