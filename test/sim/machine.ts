/** A machine with its clocks, and the processes that live on it: one that dies never hears of anything again, while what it sent goes on. */

import type { Clock } from '../../services/ports/clock.ts'
import type { Scheduler } from './scheduler.ts'

export const BEGIN_MS = Date.UTC(2026, 10, 22)

/** Wall and steady clock of one machine. The steady one begins anew at every boot. */
export class Machine {
  readonly name: string
  readonly scheduler: Scheduler
  /** Of both clocks, against true time. */
  #rate = 1
  #atMs = 0
  #wallMs: number
  #steadyMs = 5_000

  constructor(name: string, scheduler: Scheduler) {
    this.name = name
    this.scheduler = scheduler
    this.#wallMs = BEGIN_MS + scheduler.nowMs
    this.#atMs = scheduler.nowMs
  }

  get rate(): number {
    return this.#rate
  }

  wallMs(): number {
    return Math.floor(this.#wallMs + this.#sinceMs())
  }

  steadyMs(): number {
    return this.#steadyMs + this.#sinceMs()
  }

  setWall(ms: number): void {
    this.#settle()
    this.#wallMs = ms
  }

  setRate(rate: number): void {
    this.#settle()
    this.#rate = rate
  }

  /** As after power was off: the wall clock stands at `wallMs` where the board keeps none itself. */
  boot(wallMs?: number): void {
    this.#settle()
    this.#steadyMs = 0
    if (wallMs !== undefined) this.#wallMs = wallMs
  }

  /** Both clocks show true time from now on. */
  correct(): void {
    this.setRate(1)
    this.setWall(BEGIN_MS + this.scheduler.nowMs)
  }

  #sinceMs(): number {
    return (this.scheduler.nowMs - this.#atMs) * this.#rate
  }

  #settle(): void {
    const sinceMs = this.#sinceMs()
    this.#wallMs += sinceMs
    this.#steadyMs += sinceMs
    this.#atMs = this.scheduler.nowMs
  }
}

export class Process {
  readonly name: string
  readonly machine: Machine
  readonly #onDeath = new Set<() => void>()
  #alive = true
  #frozenUntilMs = 0
  /** Asked each time that it would go on; where it says yes it does not: it has died. */
  readonly #dies: () => boolean

  constructor(name: string, machine: Machine, dies: () => boolean = () => false) {
    this.name = name
    this.machine = machine
    this.#dies = dies
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Runs `run` after `ms` of true time, unless the process is dead by then; later where it is frozen then. */
  after(ms: number, label: string, run: () => void): { cancel(): void } {
    let cancelled = false
    const { scheduler } = this.machine
    const wake = (): void => {
      if (!this.#alive || cancelled) return
      const frozenMs = this.#frozenUntilMs - scheduler.nowMs
      if (frozenMs > 0) scheduler.after(frozenMs, `${this.name} thaws ${label}`, wake)
      else if (!this.#dies()) run()
    }
    const timer = scheduler.after(ms, `${this.name} ${label}`, wake)
    return {
      cancel: () => {
        cancelled = true
        timer.cancel()
      },
    }
  }

  /** What `work` comes to, `delayMs` later, and only while this process lives. */
  deliver<T>(work: Promise<T>, label: string, delayMs: () => number): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.after(delayMs(), label, () => resolve(value)),
        (error: unknown) => this.after(delayMs(), `${label} failed`, () => reject(error)),
      )
    })
  }

  /** As SIGKILL: nothing is said, nothing flushed. */
  kill(): void {
    if (!this.#alive) return
    this.#alive = false
    for (const each of this.#onDeath) each()
    this.#onDeath.clear()
  }

  /** As SIGSTOP for so long. */
  freeze(ms: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.machine.scheduler.nowMs + ms)
  }

  thaw(): void {
    this.#frozenUntilMs = 0
  }

  /** The machine around it learns of its death at once. */
  onDeath(run: () => void): () => void {
    this.#onDeath.add(run)
    return () => this.#onDeath.delete(run)
  }

  get clock(): Clock {
    const { machine } = this
    return {
      wallMs: () => machine.wallMs(),
      monotonicMs: () => machine.steadyMs(),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal.aborted) return reject(signal.reason)
          const timer = this.after(Math.max(0, ms) / machine.rate, 'wakes', () => {
            signal.removeEventListener('abort', abort)
            resolve()
          })
          const abort = (): void => {
            timer.cancel()
            reject(signal.reason)
          }
          signal.addEventListener('abort', abort, { once: true })
        }),
    }
  }
}
