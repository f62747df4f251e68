/** The gateways that run in this process: each with its journal, live lane, responder and a link that can be cut. Opened when first spoken to. */

import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { openJournal } from '../../infra/embedded/journal.ts'
import { namesBeside } from '../../infra/embedded/journal-names-file.ts'
import { journalSource } from '../../infra/embedded/journal-source.ts'
import { type CuttableLink, cuttableLink } from '../../infra/embedded/link.ts'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import { isName } from '../../schemas/names.ts'
import type { GatewayId } from '../../schemas/reading.ts'
import { TidemarkError } from '../core/errors.ts'
import { type Door, openDoor } from '../gateway/door-requests.ts'
import { Gateway } from '../gateway/gateway.ts'
import type { Journal } from '../ports/journal.ts'
import { Responder } from '../responder/responder.ts'
import type { Base } from './base.ts'
import { gatewaysDir, journalPath, linksPath } from './data-paths.ts'
import { type Cut, readCuts, writeCuts } from './links.ts'
import { BUILT_MS } from './package-files.ts'
import { trustJournals } from './trusted-files.ts'

export interface HostedGateway {
  readonly id: GatewayId
  readonly journal: Journal
  readonly gateway: Gateway
  readonly responder: Responder
  readonly link: CuttableLink
  readonly door: Door
}

interface Opened extends HostedGateway {
  readonly running: Promise<void>
  readonly kv: AsyncDisposable
}

/** One process hosts at most so many; a fleet runs a gateway a machine. */
const GATEWAYS_MAX = 1000
const GOODBYE_MS = 1500

export class HostedGateways implements AsyncDisposable {
  readonly #base: Base
  readonly #opened = new Map<string, Promise<Opened>>()
  readonly #ready = new Map<string, Opened>()
  readonly #stop = new AbortController()
  readonly #linksPath: string
  /** Whose journals' files are known to be sound. */
  readonly #trusted = new Set<string>()
  #cuts: Cut[]
  readonly #failed: (error: unknown) => void

  /** `failed` is told when a gateway can't go on: its journal failed, and the process should end. */
  constructor(base: Base, failed: (error: unknown) => void) {
    this.#base = base
    this.#linksPath = linksPath(base.settings.dataDir)
    this.#cuts = readCuts(this.#linksPath).filter((each) => (each.untilMs ?? Number.POSITIVE_INFINITY) > Date.now())
    this.#failed = failed
    for (const cut of this.#cuts) if (cut.untilMs !== undefined) this.#restoreAt(cut.gateway, cut.untilMs)
  }

  /** Opens every gateway that has a journal here, so that their backlog goes on. */
  async openKnown(): Promise<void> {
    const gateways = gatewaysDir(this.#base.settings.dataDir)
    mkdirSync(gateways, { recursive: true })
    const entries = readdirSync(gateways, { withFileTypes: true })
    const known = entries.flatMap((entry) => (entry.isDirectory() && isName(entry.name) ? [entry.name] : []))
    await this.#trust(known)
    for (const id of known) await this.open(id)
  }

  get all(): readonly HostedGateway[] {
    return [...this.#ready.values()].sort((x, y) => (x.id < y.id ? -1 : 1))
  }

  /** Opens it if need be; undefined where the id is no name or this process hosts too many. */
  async open(id: string): Promise<HostedGateway | undefined> {
    const held = this.#opened.get(id)
    if (held !== undefined) return held
    if (!isName(id) || this.#opened.size >= GATEWAYS_MAX || this.#stop.signal.aborted) return undefined
    const opening = this.#start(id as GatewayId)
    this.#opened.set(id, opening)
    opening.then(
      (opened) => this.#ready.set(id, opened),
      () => this.#opened.delete(id),
    )
    return opening
  }

  /** Files are looked at once, together, before the engine opens them. */
  async #trust(ids: readonly string[]): Promise<void> {
    const { settings, logger } = this.#base
    const files = ids
      .filter((id) => !this.#opened.has(id) && !this.#trusted.has(id))
      .map((id) => ({ gateway: id as GatewayId, path: journalPath(settings.dataDir, id) }))
    await trustJournals(files, logger)
    for (const { gateway } of files) this.#trusted.add(gateway)
  }

  async #start(id: GatewayId): Promise<Opened> {
    const { settings, codec, messageLog, types } = this.#base
    const logger = this.#base.logger.child({ gateway: id })
    const path = journalPath(settings.dataDir, id)
    if (!existsSync(path)) logger.info('a gateway is new here: it gets a journal of its own')
    mkdirSync(dirname(path), { recursive: true })
    if (!this.#trusted.has(id) && existsSync(path)) await trustJournals([{ gateway: id, path }], logger)
    const kv = openLmdbKv(path, { poisoned: this.#failed })
    const journal = await openJournal({
      kv,
      gateway: id,
      clock: systemClock,
      random: systemRandom,
      buildMs: BUILT_MS,
      settings: {
        maxBytes: settings.journalMaxBytes,
        keepMs: settings.journalKeepMs,
        whenFull: settings.journalFull,
        identityKeepMs: settings.identityKeepMs,
      },
      namesPath: namesBeside(path),
      logger,
    })
    const link = cuttableLink(messageLog)
    if (this.#cuts.some((each) => each.gateway === id)) link.cut()
    const common = { codec, clock: systemClock, random: systemRandom, logger, messageLog: link }
    const gateway = new Gateway({ ...common, journal, heartbeatMs: settings.heartbeatMs })
    const bytesPerSecond = settings.recoveryBytesPerS
    const responder = new Responder({ ...common, source: journalSource(journal), facts: journal, bytesPerSecond })
    const { signal } = this.#stop
    const running = Promise.all([gateway.run(signal), responder.run(signal)]).then(
      () => undefined,
      (error: unknown) => this.#failed(error),
    )
    const door = openDoor({ journal, clock: systemClock, logger, types, undeclared: settings.undeclaredTypes })
    logger.debug({ epoch: journal.epoch }, 'gateway opened')
    return { id, journal, gateway, responder, link, door, running, kv }
  }

  links(): readonly { readonly gateway: GatewayId; readonly cut: boolean }[] {
    return this.all.map(({ id, link }) => ({ gateway: id, cut: link.isCut }))
  }

  setLink(gateway: GatewayId, cut: boolean, forMs?: number): void {
    const hosted = this.#ready.get(gateway)
    if (hosted === undefined) throw new TidemarkError('usage-wrong', `no gateway '${gateway}' runs here`)
    const untilMs = cut && forMs !== undefined ? Date.now() + forMs : undefined
    this.#cuts = this.#cuts.filter((each) => each.gateway !== gateway)
    if (cut) this.#cuts.push({ gateway, untilMs })
    writeCuts(this.#linksPath, this.#cuts)
    if (cut) hosted.link.cut()
    else hosted.link.restore()
    if (untilMs !== undefined) this.#restoreAt(gateway, untilMs)
  }

  #restoreAt(gateway: GatewayId, untilMs: number): void {
    const restore = (): void => {
      // Unless somebody has set it anew meanwhile.
      if (this.#cuts.some((each) => each.gateway === gateway && each.untilMs === untilMs)) this.setLink(gateway, false)
    }
    systemClock.sleep(untilMs - Date.now(), this.#stop.signal).then(restore, () => undefined)
  }

  /** Call when the doors are shut. Says goodbye where a link allows it, and closes the journals. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new TidemarkError('closed', 'the process ends'))
    const opened = (await Promise.allSettled(this.#opened.values())).flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    )
    await Promise.all(
      opened.map(async ({ running, gateway, link, journal, kv }) => {
        // A log that is away is not waited for.
        if (!gateway.uplink.up) link.cut()
        await running
        await gateway.sayGoodbye(AbortSignal.timeout(GOODBYE_MS)).catch(() => undefined)
        await journal[Symbol.asyncDispose]()
        await kv[Symbol.asyncDispose]()
      }),
    )
  }
}
