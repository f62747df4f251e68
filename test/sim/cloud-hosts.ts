/** Sinks and recovery as processes of the simulated cloud. */

import type { RequestRule } from '../../services/core/request-rule.ts'
import { Recovery } from '../../services/recovery/recovery.ts'
import { Sink } from '../../services/sink/sink.ts'
import { HEARTBEAT_MS, Host, type HostOptions } from './hosts.ts'
import type { Process } from './machine.ts'
import type { LedgerServer } from './sim-ledger.ts'
import type { StoreServer } from './sim-store.ts'

export class SinkHost extends Host {
  readonly store: StoreServer
  sink: Sink | undefined

  constructor(name: string, options: HostOptions, store: StoreServer) {
    super(name, options)
    this.store = store
  }

  protected override async live(process: Process, signal: AbortSignal): Promise<void> {
    this.sink = new Sink({ ...this.common(process), store: this.store.client(process) })
    await this.sink.run(signal)
    if (!signal.aborted) this.options.onBug(this.name, new Error('a sink ended without being asked to'))
  }
}

export class RecoveryHost extends Host {
  readonly #ledger: LedgerServer
  readonly #rule: RequestRule
  recovery: Recovery | undefined

  constructor(
    name: string,
    options: HostOptions,
    ledger: LedgerServer,
    stores: readonly string[],
    slicePositions: number,
  ) {
    super(name, options)
    this.#ledger = ledger
    this.#rule = { required: stores, slicePositions, deadlineMs: 10_000, heartbeatMs: HEARTBEAT_MS }
  }

  protected override async live(process: Process, signal: AbortSignal): Promise<void> {
    const ledgerStore = this.#ledger.client(process)
    this.recovery = new Recovery({ ...this.common(process), ledgerStore, rule: this.#rule })
    await this.recovery.run(signal)
    if (!signal.aborted) this.options.onBug(this.name, new Error('recovery ended without being asked to'))
  }
}
