/** Finds what comes to a root, with or without an index: follows events, lets what came settle, and lists storage alone while the index is away. */

import type { Clock } from '../ports/clock.ts'
import type { FileTree } from '../ports/file-tree.ts'
import { isIndexable } from './root-writer.ts'
import { type Now, Settling, type Waiting } from './settling.ts'
import { Wakeup } from './wakeup.ts'

export interface RootFinderOptions {
  readonly tree: FileTree
  readonly clock: Clock
  readonly settleMs: number
  /** Told when events were missed or too many: only a listing knows. */
  unclear(reason: string): void
}

/** Recordings that are remembered while they settle or wait for the index; more are found again by the next listing. */
const SETTLING_MAX = 50_000
const NOTICED_MAX = 50_000
const LOOKS_AT_ONCE = 500
/** Events of one file come in swarms. */
const SWARM_MS = 50

export class RootFinder {
  readonly settling: Settling
  readonly #options: RootFinderOptions
  readonly #wakeup: Wakeup
  readonly #noticed = new Set<string>()

  constructor(options: RootFinderOptions) {
    this.#options = options
    this.#wakeup = new Wakeup(options.clock)
    this.settling = new Settling(options.settleMs, SETTLING_MAX)
    options.tree.watch({
      seen: (path) => this.#seen(path),
      missed: (reason) => {
        options.unclear(reason)
        this.#wakeup.ring()
      },
    })
  }

  /** Looks at what events named, and at what should have come to rest by now. */
  async look(signal: AbortSignal): Promise<void> {
    const noticed = [...this.#noticed]
    this.#noticed.clear()
    for (const some of slices(noticed)) {
      for (const finding of await this.#options.tree.look(some)) {
        if (finding.data.kind === 'none' && finding.sidecar.kind === 'none') continue
        if (!this.settling.offer(finding, 'unknown', this.#now()))
          this.#options.unclear('more came at once than is remembered')
      }
      signal.throwIfAborted()
    }
    for (;;) {
      const due = this.settling.due(this.#options.clock.monotonicMs(), LOOKS_AT_ONCE)
      if (due.length === 0) return
      for (const finding of await this.#options.tree.look(due)) this.settling.looked(finding, this.#now())
      signal.throwIfAborted()
    }
  }

  /** Some that have rested; each was looked at within the settle time. */
  async rested(max: number): Promise<readonly Waiting[]> {
    const { clock, tree, settleMs } = this.#options
    const ready = this.settling.takeReady(max)
    const fromMs = clock.monotonicMs() - settleMs
    const stale = ready.filter(({ lookedMs }) => lookedMs < fromMs).map(({ finding }) => finding.path)
    if (stale.length === 0) return ready
    for (const finding of await tree.look(stale)) this.settling.looked(finding, this.#now())
    return this.settling.takeReady(max).filter(({ lookedMs }) => lookedMs >= fromMs)
  }

  /** A listing without an index: offers what has changed since `sinceMs` by the clock of the storage. */
  async listAlone(sinceMs: number, signal: AbortSignal): Promise<void> {
    const { settling } = this
    for await (const batch of this.#options.tree.list(signal)) {
      for (const listed of batch) {
        if ('below' in listed || listed.changedMs < sinceMs || !isIndexable(listed.path)) continue
        if (!settling.offer(listed, 'unknown', this.#now())) return
      }
      await this.look(signal)
    }
  }

  /** Until something may be due, at `untilMs` by the monotonic clock at the latest. */
  async rest(untilMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const dueMs = Math.min(untilMs, this.settling.nextDueMs)
    await this.#wakeup.wait(dueMs - clock.monotonicMs(), signal)
    if (this.#noticed.size > 0) await clock.sleep(SWARM_MS, signal)
  }

  wake(): void {
    this.#wakeup.ring()
  }

  #seen(path: string): void {
    // What settles is looked at again anyway.
    if (this.settling.has(path) || !isIndexable(path)) return
    if (this.#noticed.size >= NOTICED_MAX) this.#options.unclear('more events came at once than are remembered')
    else this.#noticed.add(path)
    this.#wakeup.ring()
  }

  #now(): Now {
    const { clock } = this.#options
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() }
  }
}

function* slices(paths: readonly string[]): Generator<readonly string[]> {
  for (let i = 0; i < paths.length; i += LOOKS_AT_ONCE) yield paths.slice(i, i + LOOKS_AT_ONCE)
}
