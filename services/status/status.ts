/** What the page asks of this process, answered from the ledger, the stores and the log: as far as it has them. */

import type { GatewayId } from '../../schemas/reading.ts'
import type { QuarantineEntry } from '../../schemas/records/events.ts'
import type { GatewayVerdict } from '../core/verdict.ts'
import type { MessageLog } from '../ports/message-log.ts'
import { FleetFeed } from './fleet-feed.ts'
import { newestOutages, newestRequests } from './fleet-lists.ts'
import { type FleetSources, FleetView } from './fleet-view.ts'
import { gatewayDetail } from './gateway-detail.ts'
import { format } from './judged.ts'
import type {
  AlertRow,
  Alerts,
  GatewayDetail,
  MirrorRows,
  Outages,
  Plot,
  Quarantine,
  RecordingRootRow,
  Recordings,
  Requests,
  Sensors,
} from './page-api.ts'
import { type PlotQuestion, type PlotStore, plotOf } from './plot.ts'
import { QuarantineView } from './quarantine-view.ts'
import { SensorNames } from './sensors.ts'

export interface StatusSources extends FleetSources {
  /** The required ones. */
  readonly stores: readonly PlotStore[]
  /** Throws where this process has none, or it does not answer. */
  log(): Promise<MessageLog>
  /** The open entries of the quarantine. */
  quarantined(): AsyncIterable<QuarantineEntry>
  /** Of every process that keeps alerts where this one does; open ones first, the newest first. */
  alerts(): Promise<readonly AlertRow[]>
  recordings(): Promise<readonly RecordingRootRow[]>
  mirror(): Promise<Omit<MirrorRows, 'as_of'>>
  /** Aborted when the process ends. */
  readonly signal: AbortSignal
}

export class Status {
  readonly feed: FleetFeed
  readonly #sources: StatusSources
  readonly #view: FleetView
  readonly #sensors: SensorNames
  readonly #quarantine: QuarantineView

  constructor(sources: StatusSources) {
    this.#sources = sources
    this.#view = new FleetView(sources)
    this.feed = new FleetFeed(this.#view, sources.clock)
    this.#sensors = new SensorNames(sources)
    const { clock, log, quarantined } = sources
    this.#quarantine = new QuarantineView({ clock, log, entries: quarantined })
  }

  /** A `Fleet` in JSON. */
  async fleetJson(): Promise<string> {
    await this.#view.look()
    return this.#view.fleetJson()
  }

  hosts(gateway: string): boolean {
    return this.#sources.hosted().some((each) => each.gateway === gateway)
  }

  /** `undefined` for a gateway that neither the ledger nor this process knows. */
  async gateway(id: string): Promise<GatewayDetail | undefined> {
    const { ledger, hosted } = this.#sources
    const rows = await ledger.load(id as GatewayId)
    const here = hosted().find((each) => each.gateway === id)
    return gatewayDetail(rows, here, this.#moment())
  }

  /** Of every gateway that the ledger knows, without epochs and outages. */
  async verdicts(): Promise<readonly GatewayVerdict[]> {
    await this.#view.look()
    return [...this.#view.judged.values()].map(({ verdict }) => verdict)
  }

  async outages(limit: number, signal: AbortSignal): Promise<Outages> {
    await this.#view.look()
    const { ledger, breathe } = this.#sources
    const moment = this.#moment()
    const outages = await newestOutages(this.#view.judged, { ledger, moment, limit, breathe }, signal)
    return { as_of: format(moment.nowMs), outages }
  }

  async requests(limit: number): Promise<Requests> {
    await this.#view.look()
    return { as_of: this.#view.standing().as_of, requests: newestRequests(this.#view.judged, limit) }
  }

  sensors(gateway: string, signal: AbortSignal): Promise<Sensors> {
    return this.#sensors.of(gateway, signal)
  }

  plot(question: PlotQuestion, signal: AbortSignal): Promise<Plot> {
    const { stores, breathe } = this.#sources
    return plotOf(stores, question, breathe, signal)
  }

  quarantine(limit: number): Promise<Quarantine> {
    return this.#quarantine.newest(limit)
  }

  async alerts(limit: number): Promise<Alerts> {
    const episodes = await this.#sources.alerts()
    const open = episodes.filter((each) => each.ended_at === null).length
    return { as_of: format(this.#sources.clock.wallMs()), open, episodes: episodes.slice(0, limit) }
  }

  async recordings(): Promise<Recordings> {
    return { as_of: format(this.#sources.clock.wallMs()), roots: await this.#sources.recordings() }
  }

  async mirror(): Promise<MirrorRows> {
    return { as_of: format(this.#sources.clock.wallMs()), ...(await this.#sources.mirror()) }
  }

  /** Something was done that the next answers should know of. */
  acted(): void {
    this.#quarantine.expire()
  }

  #moment() {
    const { settings, clock } = this.#sources
    return { required: settings.stores, nowMs: clock.wallMs(), heartbeatMs: settings.heartbeatMs, format }
  }
}
