/** The services of the cloud side: how recovery and a sink are made, and all of them in this process, where a sink can be paused. */

import { systemClock, systemRandom } from '../../infra/system.ts'
import { TidemarkError } from '../core/errors.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import type { MessageLog } from '../ports/message-log.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import { RECOVERY_GROUP, RECOVERY_TOPICS } from '../recovery/events.ts'
import { Recovery } from '../recovery/recovery.ts'
import { Sink } from '../sink/sink.ts'
import { aborted } from './asked-to-end.ts'
import type { Base } from './base.ts'
import type { Installation } from './installation.ts'

const MACHINE = { clock: systemClock, random: systemRandom }

export function recoveryOf({ settings, messageLog, codec, logger }: Base, ledgerStore: LedgerStore): Recovery {
  const rule = {
    required: settings.stores,
    slicePositions: settings.sliceReadings,
    deadlineMs: settings.requestDeadlineMs,
    heartbeatMs: settings.heartbeatMs,
  }
  return new Recovery({
    ...MACHINE,
    messageLog,
    codec,
    ledgerStore,
    rule,
    logger: logger.child({ service: 'recovery' }),
  })
}

export function sinkOf({ messageLog, codec, logger }: Base, store: ReadingStore): Sink {
  return new Sink({
    ...MACHINE,
    messageLog,
    codec,
    store,
    logger: logger.child({ service: 'sink', store: store.name }),
  })
}

/** Call before recovery begins: what was folded is gone with the ledger that it was folded into. */
export async function foldAgainIfNew(messageLog: MessageLog, ledger: LedgerStore): Promise<void> {
  const isNew = (await ledger.gateways()).length === 0
  if (isNew) await messageLog.reset(RECOVERY_GROUP, RECOVERY_TOPICS, 'earliest')
}

interface RunningSink {
  readonly sink: Sink
  abort: AbortController
  done: Promise<void>
}

export class CloudServices {
  readonly recovery: Recovery
  /** Resolves when recovery and sinks have begun; rejects with what keeps them from it, and then they never do. */
  readonly prepared: Promise<void>
  readonly #sinks = new Map<string, RunningSink>()
  readonly #stop = new AbortController()
  readonly #recovering: Promise<void>

  /** `prepare` is what has to be done first, however long that takes. */
  constructor(installation: Installation, prepare: (signal: AbortSignal) => Promise<void>) {
    this.prepared = prepare(this.#stop.signal)
    this.recovery = recoveryOf(installation, installation.ledger)
    this.#recovering = this.#begin(this.#stop.signal, (signal) => this.recovery.run(signal))
    for (const [name, store] of installation.stores) {
      const sink = sinkOf(installation, store)
      const abort = new AbortController()
      this.#sinks.set(name, { sink, abort, done: this.#begin(abort.signal, (signal) => sink.run(signal)) })
    }
  }

  async #begin(signal: AbortSignal, run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const isPrepared = await Promise.race([this.prepared.then(isSo, isNot), aborted(signal).then(isNot)])
    if (isPrepared) await run(signal)
  }

  get sinks(): ReadonlyMap<string, Sink> {
    return new Map([...this.#sinks].map(([name, { sink }]) => [name, sink]))
  }

  /** Stops the sink of a store, runs `work`, and starts it again, also when the work failed. */
  async whilePaused<T>(store: string, work: () => Promise<T>): Promise<T> {
    const running = this.#sinks.get(store)
    if (running === undefined) throw new TidemarkError('usage-wrong', `no sink of '${store}' runs here`)
    await pause(running)
    try {
      return await work()
    } finally {
      if (!this.#stop.signal.aborted) {
        running.abort = new AbortController()
        running.done = this.#begin(running.abort.signal, (signal) => running.sink.run(signal))
      }
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new TidemarkError('closed', 'the process ends'))
    await Promise.all([this.#recovering, ...[...this.#sinks.values()].map(pause)])
  }
}

async function pause(running: RunningSink): Promise<void> {
  running.abort.abort(new TidemarkError('closed', 'the sink is paused'))
  await running.done
}

const isSo = (): boolean => true
const isNot = (): boolean => false
