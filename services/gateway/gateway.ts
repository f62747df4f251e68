/** One gateway's services around its journal: the live lane, the downlink and the manifests. The doors write to the journal beside them. */

import type { Logger } from 'pino'
import type { WireCodec } from '../../schemas/codec.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { Journal } from '../ports/journal.ts'
import type { MessageLog } from '../ports/message-log.ts'
import { Downlink } from './downlink.ts'
import { Manifests } from './manifests.ts'
import { Outages } from './outages.ts'
import { Uplink } from './uplink.ts'

export interface GatewayOptions {
  readonly journal: Journal
  readonly messageLog: MessageLog
  readonly codec: WireCodec
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly heartbeatMs: number
}

/** Manifests follow the readings at this many heartbeats. */
const MANIFEST_HEARTBEATS = 5

export class Gateway {
  readonly journal: Journal
  readonly uplink: Uplink
  readonly outages: Outages
  readonly #downlink: Downlink
  readonly #manifests: Manifests

  constructor(options: GatewayOptions) {
    this.journal = options.journal
    this.outages = new Outages(options.journal, options.clock, options.random)
    this.uplink = new Uplink({ ...options, outages: this.outages })
    this.#downlink = new Downlink(options)
    this.#manifests = new Manifests({ ...options, everyMs: options.heartbeatMs * MANIFEST_HEARTBEATS })
  }

  /** Runs until the signal aborts; rejects when the journal has failed. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.uplink.run(signal), this.#downlink.run(signal), this.#manifests.run(signal)])
  }

  /** The last word after `run`, while the doors are shut: manifests and this epoch's final. Does nothing without a link. */
  async sayGoodbye(signal: AbortSignal): Promise<void> {
    if (!this.uplink.up) return
    await this.#manifests.publish(signal)
    await this.uplink.sayGoodbye(signal)
  }
}
