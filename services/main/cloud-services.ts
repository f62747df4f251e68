/** The services of the cloud side in this process: recovery, and a sink for each store, which can be paused. */

import { systemClock, systemRandom } from '../../infra/system.ts'
import { TidemarkError } from '../core/errors.ts'
import { Recovery } from '../recovery/recovery.ts'
import { Sink } from '../sink/sink.ts'
import type { Installation } from './installation.ts'

interface RunningSink {
  readonly sink: Sink
  abort: AbortController
  done: Promise<void>
}

export class CloudServices {
  readonly recovery: Recovery
  readonly #sinks = new Map<string, RunningSink>()
  readonly #stop = new AbortController()
  readonly #recovering: Promise<void>

  constructor(installation: Installation) {
    const { settings, messageLog, codec, ledger, stores, logger } = installation
    const common = { messageLog, codec, clock: systemClock, random: systemRandom }
    const rule = {
      required: settings.stores,
      slicePositions: settings.sliceReadings,
      deadlineMs: settings.requestDeadlineMs,
      heartbeatMs: settings.heartbeatMs,
    }
    this.recovery = new Recovery({
      ...common,
      ledgerStore: ledger,
      rule,
      logger: logger.child({ service: 'recovery' }),
    })
    this.#recovering = this.recovery.run(this.#stop.signal)
    for (const [name, store] of stores) {
      const sink = new Sink({ ...common, store, logger: logger.child({ service: 'sink', store: name }) })
      const abort = new AbortController()
      this.#sinks.set(name, { sink, abort, done: sink.run(abort.signal) })
    }
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
        running.done = running.sink.run(running.abort.signal)
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
