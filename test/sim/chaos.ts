/** Brings the timed faults of a seed into its world, and heals everything when their time is over. */

import type { Chance } from './chance.ts'
import { TIMED_CLASSES, type TimedFault } from './faults.ts'
import { GatewayHost, type Host } from './hosts.ts'
import { BEGIN_MS } from './machine.ts'
import type { SimDisk } from './sim-kv.ts'
import type { StoreServer } from './sim-store.ts'
import type { SimWorld } from './sim-world.ts'

const MINUTE_MS = 60_000
/** A record that is sent late may come so long after. */
const LATE_MS = 61_000
const SINK_TOPICS = ['readings', 'recovery_data'] as const

export class Chaos {
  readonly #world: SimWorld
  readonly guests: Host[] = []
  readonly #backups = new Map<string, SimDisk>()
  readonly #replacedMs = new Map<string, number>()
  #generations: Promise<unknown> = Promise.resolve()

  constructor(world: SimWorld) {
    this.#world = world
  }

  /** Strikes at random instants until healed. Processes that died of themselves are started again. */
  begin(): void {
    for (const kind of TIMED_CLASSES) {
      const rate = this.#world.faults.rates[kind]
      if (rate !== undefined) this.#next(kind, rate)
    }
    this.#guard()
  }

  /** No fault from now on: everything runs, answers, and knows the time. */
  async heal(): Promise<void> {
    const { faults, hosts, gateways, log, ledger, stores, machines } = this.#world
    faults.active = false
    await this.#world.finish(this.#generations)
    for (const store of stores) {
      store.reachable = true
      store.start()
    }
    log.reachable = true
    log.start()
    log.lagsUntilMs.clear()
    ledger.reachable = true
    for (const { route } of gateways.values()) {
      route.cut = route.mute = route.deaf = false
      route.stalledUntilMs = 0
    }
    for (const machine of machines) machine.correct()
    for (const guest of this.guests) guest.crash()
    for (const host of hosts) host.process?.thaw()
  }

  #next(kind: TimedFault, rate: number): void {
    const { faults, scheduler } = this.#world
    const chance = faults.chance(kind)
    const inMs = (-Math.log(1 - chance.next()) * MINUTE_MS) / rate
    scheduler.after(inMs, kind, () => {
      if (!faults.active) return
      if (this.#strike(kind, chance)) faults.count(kind)
      this.#next(kind, rate)
    })
  }

  /** A process that ended, whatever of, is started again as its supervisor would. */
  #guard(): void {
    const { scheduler, hosts } = this.#world
    scheduler.after(1_000, 'supervisor', () => {
      for (const host of hosts) if (!host.running && !this.#down.has(host)) host.start()
      this.#guard()
    })
  }

  readonly #down = new Set<Host>()

  /** False where it could not be done now. */
  #strike(kind: TimedFault, chance: Chance): boolean {
    switch (kind) {
      case 'log-away':
      case 'log-crash':
      case 'member-evicted':
      case 'member-joins':
      case 'topic-lags':
      case 'log-trimmed':
      case 'offsets-reset':
        return this.#strikeLog(kind, chance)
      case 'store-away':
      case 'store-crash':
      case 'store-restored':
      case 'store-wiped':
      case 'ledger-away':
        return this.#strikeStore(kind, chance)
      case 'link-cut':
      case 'link-stalls':
      case 'link-mute':
      case 'link-deaf':
        return this.#strikeLink(kind, chance)
      case 'clock-jumps':
      case 'clock-drifts':
        return this.#strikeClock(kind, chance)
      default:
        return this.#strikeProcess(kind, chance)
    }
  }

  #strikeLog(kind: TimedFault, chance: Chance): boolean {
    const { log, stores } = this.#world
    if (kind === 'log-away') {
      log.reachable = false
      this.#afterwards(chance.skewed(500, 40_000), 'the log is back', () => {
        log.reachable = true
      })
    } else if (kind === 'log-crash') {
      log.crash()
      this.#afterwards(chance.skewed(100, 20_000), 'the log starts', () => log.start())
    } else if (kind === 'member-evicted') {
      const members = [...log.members].filter((each) => each.process.alive)
      if (members.length === 0) return false
      chance.pick(members).putOut()
    } else if (kind === 'member-joins') {
      return this.#invite(chance)
    } else if (kind === 'topic-lags') {
      const lagging = `sink-${chance.pick(stores).name} ${chance.pick(SINK_TOPICS)}`
      log.lagsUntilMs.set(lagging, this.#world.scheduler.nowMs + chance.skewed(500, 40_000))
    } else if (!log.up) {
      return false
    } else if (kind === 'log-trimmed') {
      log.trim(chance.pick([7, 7, 31])).catch(() => undefined)
    } else {
      const target = chance.pick(['earliest', 'latest', 'between'] as const)
      const to = target === 'between' ? { wallMs: log.machine.wallMs() - chance.skewed(1_000, 300_000) } : target
      log.log.reset(`sink-${chance.pick(stores).name}`, SINK_TOPICS, to).catch(() => undefined)
    }
    return true
  }

  /** One more sink or recovery, for a while; it leaves as if it were killed. */
  #invite(chance: Chance): boolean {
    const world = this.#world
    const name = `guest-${this.guests.length + 1}`
    const guest = chance.hits(0.5)
      ? world.recovery(`recovery-${name}`)
      : world.sink(`sink-${name}`, chance.pick(world.stores))
    this.guests.push(guest)
    guest.start()
    this.#afterwards(chance.skewed(200, 60_000), `${guest.name} leaves`, () => {
      if (chance.hits(0.5)) guest.crash()
      else void guest.stop()
    })
    return true
  }

  #strikeStore(kind: TimedFault, chance: Chance): boolean {
    const { ledger, stores, plan, scheduler } = this.#world
    if (kind === 'ledger-away') {
      ledger.reachable = false
      this.#afterwards(chance.skewed(500, 40_000), 'the ledger is back', () => {
        ledger.reachable = true
      })
      return true
    }
    const store = chance.pick(stores)
    if (!store.up) return false
    // Two generations while landings that name the first are still on their way can't be told apart: see the README of this folder.
    const replacedMs = this.#replacedMs.get(store.name) ?? 0
    if (kind !== 'store-away' && kind !== 'store-crash' && scheduler.nowMs - replacedMs < LATE_MS) return false
    if (kind === 'store-away') {
      store.reachable = false
      const ms = chance.hits(0.1) ? plan.safetyMs : chance.skewed(500, 40_000)
      this.#afterwards(ms, `${store.name} is back`, () => {
        store.reachable = true
      })
    } else if (kind === 'store-crash') {
      store.crash()
      this.#afterwards(chance.skewed(100, 10_000), `${store.name} starts`, () => store.start())
    } else {
      this.#replace(store, kind === 'store-wiped' ? undefined : this.#backup(store))
    }
    return true
  }

  /** The one made at the last occasion, or now where there is none. */
  #backup(store: StoreServer): SimDisk {
    const held = this.#backups.get(store.name) ?? store.backup()
    this.#backups.set(store.name, store.backup())
    return held
  }

  #replace(store: StoreServer, backup: SimDisk | undefined): void {
    this.#replacedMs.set(store.name, this.#world.scheduler.nowMs)
    this.#generations = this.#generations.then(async () => {
      const generation = await store.replace(backup)
      this.#world.recorder.replaced(store.name, generation, await this.#world.stored(store))
    })
  }

  #strikeLink(kind: TimedFault, chance: Chance): boolean {
    const { route } = chance.pick([...this.#world.gateways.values()])
    const ms = chance.skewed(200, 60_000)
    if (kind === 'link-stalls') {
      route.stalledUntilMs = this.#world.scheduler.nowMs + ms
      return true
    }
    const what = kind === 'link-cut' ? 'cut' : kind === 'link-mute' ? 'mute' : 'deaf'
    if (route[what]) return false
    route[what] = true
    this.#afterwards(ms, `a link is no longer ${what}`, () => {
      route[what] = false
    })
    return true
  }

  #strikeClock(kind: TimedFault, chance: Chance): boolean {
    const { machines, scheduler } = this.#world
    const machine = chance.pick(machines)
    if (kind === 'clock-drifts') {
      machine.setRate(chance.between(0.9, 1.1))
      return true
    }
    const farMs = chance.skewed(1_000, 10 * 365 * 86_400_000)
    machine.setWall(chance.hits(0.1) ? 1_000 : BEGIN_MS + scheduler.nowMs + (chance.hits(0.5) ? farMs : -farMs))
    return true
  }

  #strikeProcess(kind: TimedFault, chance: Chance): boolean {
    const { hosts, gateways, sinks, recoveries } = this.#world
    const among: readonly Host[] =
      kind === 'sink-crash'
        ? sinks
        : kind === 'recovery-crash'
          ? recoveries
          : kind === 'process-frozen'
            ? hosts
            : [...gateways.values()]
    const host = chance.pick(among)
    if (!host.running || this.#down.has(host)) return false
    if (kind === 'process-frozen') {
      const ms = chance.skewed(1_000, 60_000)
      host.process?.freeze(ms)
      const mine = [...this.#world.log.members].filter((each) => each.process === host.process)
      if (ms > 10_000)
        this.#afterwards(10_000, `${host.name} is missed`, () => {
          for (const each of mine) each.putOut()
        })
      return true
    }
    this.#down.add(host)
    const startAgain = (): void => {
      this.#afterwards(chance.skewed(50, 30_000), `${host.name} starts`, () => {
        this.#down.delete(host)
        host.start()
      })
    }
    if (kind === 'gateway-restart') void host.stop().then(startAgain)
    else if (kind === 'disk-replaced') {
      if (host instanceof GatewayHost) host.replaceDisk()
      startAgain()
    } else {
      host.crash()
      startAgain()
    }
    return true
  }

  #afterwards(ms: number, label: string, run: () => void): void {
    this.#world.scheduler.after(ms, label, run)
  }
}
