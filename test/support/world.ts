/** The whole pipeline in one process on embedded rules over memory, under a clock that a test moves: to cut, crash and lose things at will. */

import { pino } from 'pino'
import { openJournal } from '../../infra/embedded/journal.ts'
import { journalSource } from '../../infra/embedded/journal-source.ts'
import { embeddedLedgerStore } from '../../infra/embedded/ledger-store.ts'
import { type CuttableLink, cuttableLink } from '../../infra/embedded/link.ts'
import { embeddedMessageLog } from '../../infra/embedded/message-log.ts'
import { loadMessageTypes } from '../../infra/embedded/message-types.ts'
import { embeddedReadingStore } from '../../infra/embedded/reading-store.ts'
import { embeddedSchemaRegistry } from '../../infra/embedded/schema-registry.ts'
import type { GatewayId, Values } from '../../schemas/reading.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import type { CommandContext } from '../../services/commands/context.ts'
import { proofOf } from '../../services/commands/proof.ts'
import { parseSettings, type Settings } from '../../services/core/settings.ts'
import type { GatewayVerdict } from '../../services/core/verdict.ts'
import { Gateway } from '../../services/gateway/gateway.ts'
import type { Journal, Offer } from '../../services/ports/journal.ts'
import type { MessageLog, Outgoing } from '../../services/ports/message-log.ts'
import type { ArrivingReading, ReadingStore, StoredReading } from '../../services/ports/reading-store.ts'
import { Recovery } from '../../services/recovery/recovery.ts'
import { Responder } from '../../services/responder/responder.ts'
import { Sink } from '../../services/sink/sink.ts'
import type { TopicName } from '../../topics/index.ts'
import { losingLog, type SwitchedStore, spoilingLog, switchedStore } from './faulty.ts'
import { type ManualClock, manualClock, seededRandom, settle } from './manual-clock.ts'
import { memoryDisk, memoryKv } from './memory-kv.ts'

const BUILD_MS = Date.UTC(2026, 0, 1)

/** A service that runs until it is stopped; a crash drops it at whatever it awaits. */
interface Running {
  readonly abort: AbortController
  readonly done: Promise<unknown>
}

export interface HostedGateway {
  readonly gateway: Gateway
  readonly journal: Journal
  readonly link: CuttableLink
  readonly responder: Responder
  /** As SIGKILL would: nothing said, nothing flushed. The next `startGateway` of this id goes on with its disk. */
  kill(): Promise<void>
}

export interface World extends AsyncDisposable {
  readonly clock: ManualClock
  readonly context: CommandContext
  readonly settings: Settings
  readonly messageLog: MessageLog
  readonly store: SwitchedStore
  readonly sink: Sink
  readonly recovery: Recovery
  /** Records this says true of are acknowledged and gone. */
  lose: (topic: TopicName, record: Outgoing) => boolean
  /** The values of records this says true of arrive as bytes that nobody can read. */
  spoil: (topic: TopicName, record: Outgoing) => boolean
  /** As if the gateway's card were swapped: its next start finds nothing. */
  loseDisk(id: string): Promise<void>
  startGateway(id: string, journal?: Partial<JournalKeeping>): Promise<HostedGateway>
  restartCloud(): Promise<void>
  /** Empties the store as a wiped disk would, sinks stopped meanwhile. */
  wipeStore(): Promise<void>
  /** Takes readings out of the store behind everybody's back. */
  removeStored(isRemoved: (reading: StoredReading) => boolean): Promise<void>
  proof(id: string): Promise<GatewayVerdict>
  stored(): Promise<readonly StoredReading[]>
  /** Commands' standard output since the last call. */
  printed(): string
}

export interface JournalKeeping {
  readonly maxBytes: number
  readonly keepMs: number
  readonly whenFull: 'reject' | 'drop-oldest'
  readonly identityKeepMs: number
}

export async function openWorld(env: Record<string, string> = {}): Promise<World> {
  const parsed = parseSettings({ env: { TIDEMARK_HEARTBEAT: '1s', TIDEMARK_REQUEST_DEADLINE: '10s', ...env } })
  if (!parsed.ok) throw new Error(parsed.faults.join('\n'))
  const { settings } = parsed
  const clock = manualClock()
  const random = seededRandom(7)
  const logger = pino({ level: process.env.TIDEMARK_TEST_LOG ?? 'silent' })
  const types = await loadMessageTypes(new URL('../../schemas/types/', import.meta.url).pathname)
  const disks = { log: memoryDisk(), store: memoryDisk(), ledger: memoryDisk(), registry: memoryDisk() }
  const journalDisks = new Map<string, ReturnType<typeof memoryDisk>>()
  const messageLog = embeddedMessageLog({ kv: memoryKv(disks.log), clock })
  await messageLog.applyTopics()
  const registry = embeddedSchemaRegistry(memoryKv(disks.registry))
  const codec = await openWireCodec(registry, types)
  const ledger = embeddedLedgerStore(memoryKv(disks.ledger))
  let store = switchedStore(embeddedReadingStore({ kv: memoryKv(disks.store), name: 'embedded', random }))
  let printed = ''
  const common = { codec, clock, random, logger }
  let cloud: { sink: Sink; recovery: Recovery; running: Running[] } = startCloud()
  const gateways: HostedGateway[] = []

  function startCloud(): { sink: Sink; recovery: Recovery; running: Running[] } {
    const sink = new Sink({ ...common, messageLog, store })
    const rule = {
      required: settings.stores,
      slicePositions: settings.sliceReadings,
      deadlineMs: settings.requestDeadlineMs,
      heartbeatMs: settings.heartbeatMs,
    }
    const recovery = new Recovery({ ...common, messageLog, ledgerStore: ledger, rule })
    return { sink, recovery, running: [start((signal) => sink.run(signal)), start((signal) => recovery.run(signal))] }
  }

  const context: CommandContext = {
    settings,
    messageLog,
    codec,
    registry,
    types,
    get stores(): ReadonlyMap<string, ReadingStore> {
      return new Map([['embedded', store]])
    },
    ledger,
    clock,
    random,
    logger,
    signal: new AbortController().signal,
    out: async (text) => {
      printed += text
    },
    note: () => undefined,
    terminal: false,
  }

  const world: World = {
    clock,
    context,
    settings,
    messageLog,
    get store() {
      return store
    },
    get sink() {
      return cloud.sink
    },
    get recovery() {
      return cloud.recovery
    },
    lose: () => false,
    spoil: () => false,
    loseDisk: async (id) => {
      journalDisks.delete(id)
    },
    startGateway: async (id, keeping = {}) => {
      const disk = journalDisks.get(id) ?? memoryDisk()
      journalDisks.set(id, disk)
      const journal = await openJournal({
        kv: memoryKv(disk),
        gateway: id as GatewayId,
        clock,
        random,
        buildMs: BUILD_MS,
        settings: {
          maxBytes: keeping.maxBytes ?? settings.journalMaxBytes,
          keepMs: keeping.keepMs ?? settings.journalKeepMs,
          whenFull: keeping.whenFull ?? 'reject',
          identityKeepMs: keeping.identityKeepMs ?? settings.identityKeepMs,
        },
      })
      const lossy = losingLog(messageLog, (topic, record) => world.lose(topic, record))
      const link = cuttableLink(spoilingLog(lossy, (topic, record) => world.spoil(topic, record)))
      const gateway = new Gateway({ ...common, journal, messageLog: link, heartbeatMs: settings.heartbeatMs })
      const responder = new Responder({
        ...common,
        source: journalSource(journal),
        facts: journal,
        messageLog: link,
        bytesPerSecond: settings.recoveryBytesPerS,
      })
      const running = [start((signal) => gateway.run(signal)), start((signal) => responder.run(signal))]
      const hosted = { gateway, journal, link, responder, kill: () => stop(running) }
      gateways.push(hosted)
      return hosted
    },
    restartCloud: async () => {
      await stop(cloud.running)
      cloud = startCloud()
    },
    wipeStore: async () => {
      await stop(cloud.running)
      disks.store = memoryDisk()
      store = switchedStore(embeddedReadingStore({ kv: memoryKv(disks.store), name: 'embedded', random }))
      cloud = startCloud()
    },
    removeStored: async (isRemoved) => {
      await stop(cloud.running)
      const generation = await store.generation()
      const kept = (await world.stored()).flatMap((each) => (isRemoved(each) ? [] : [asArrived(each)]))
      store = switchedStore(embeddedReadingStore({ kv: memoryKv(), name: 'embedded', random }))
      await store.write(kept, context.signal)
      store.saysGeneration = generation
      cloud = startCloud()
    },
    proof: async (id) => {
      const found = (await proofOf(context, id)).gateways[0]
      if (found === undefined) throw new Error(`no proof of ${id}`)
      return found
    },
    stored: async () => {
      const out: StoredReading[] = []
      for await (const batch of store.read({}, context.signal)) out.push(...batch)
      return out
    },
    printed: () => {
      const text = printed
      printed = ''
      return text
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of gateways) await each.kill()
      await stop(cloud.running)
    },
  }
  return world
}

function start(run: (signal: AbortSignal) => Promise<unknown>): Running {
  const abort = new AbortController()
  return { abort, done: run(abort.signal).catch((error: unknown) => error) }
}

async function stop(running: readonly Running[]): Promise<void> {
  for (const each of running) each.abort.abort(new Error('stopped'))
  await settle()
  await Promise.all(running.map((each) => each.done))
}

/** One offer a second from `fromMs` on, values telling their number. */
export function offers(count: number, fromMs: number, sensor = 's1', values?: (i: number) => Values): readonly Offer[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'temperature',
    sensor,
    labels: {},
    time: { ms: fromMs + i * 1000, ns: 0 },
    values: values?.(i) ?? { temperature: i + 0.5 },
  }))
}

/** To be written again as it was. */
export function asArrived(stored: StoredReading): ArrivingReading {
  if (stored.epoch === undefined) throw new Error('the store keeps no positions')
  return { ...stored, epoch: stored.epoch }
}

export function identityOf({ gateway, reading }: StoredReading): string {
  return `${gateway}/${reading.type}/${reading.sensor}/${reading.ms}.${reading.ns}`
}
