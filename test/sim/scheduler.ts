/** Virtual time: a heap of events, run one after the other, each with everything that it lets go on; the trace of them has a hash. */

import { Chance } from './chance.ts'

export interface Timer {
  cancel(): void
}

interface Event {
  readonly dueMs: number
  /** Decides between events of one instant. */
  readonly tie: number
  readonly order: number
  readonly label: string
  run: (() => void) | undefined
}

export type Trace = (line: { readonly step: number; readonly ms: number; readonly label: string }) => void

const SOON_MS = 1_000

export class Scheduler {
  nowMs = 0
  step = 0
  readonly #heap: Event[] = []
  readonly #chance: Chance
  readonly #trace: Trace | undefined
  #order = 0
  #hashA = 0x811c9dc5
  #hashB = 0x1b873593
  #stopped = false

  constructor(seed: number, trace?: Trace) {
    this.#chance = new Chance(seed, 'schedule')
    this.#trace = trace
  }

  /** 16 hex digits over every event so far, and what `note` added. */
  get hash(): string {
    return [this.#hashA, this.#hashB].map((each) => (each >>> 0).toString(16).padStart(8, '0')).join('')
  }

  after(ms: number, label: string, run: () => void): Timer {
    const event: Event = {
      dueMs: this.nowMs + Math.max(0, ms),
      tie: this.#chance.next(),
      order: this.#order++,
      label,
      run,
    }
    this.#push(event)
    return {
      cancel: () => {
        event.run = undefined
      },
    }
  }

  /** Runs the next event and everything that it lets go on; false when none is left. */
  async runNext(): Promise<boolean> {
    const event = this.#pop()
    if (event === undefined) return false
    if (event.run === undefined) return true
    this.nowMs = event.dueMs
    this.step += 1
    this.note(event.label)
    this.#trace?.({ step: this.step, ms: this.nowMs, label: event.label })
    event.run()
    await drained()
    return true
  }

  /** Mixes a text into the hash, with the present time. */
  note(text: string): void {
    let a = this.#hashA ^ (this.nowMs * 1000)
    let b = this.#hashB
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      a = Math.imul(a ^ code, 0x01000193)
      b = Math.imul((b ^ code) + 0x9e3779b9, 0x85ebca6b) ^ (b >>> 15)
    }
    this.#hashA = a
    this.#hashB = b
  }

  /** Runs whatever comes as fast as it comes, for tests that wait for real promises. What is due only later than soon waits, or days would fly by. */
  async runFreely(): Promise<void> {
    while (!this.#stopped) {
      const next = this.#heap[0]
      if (next === undefined || next.dueMs > this.nowMs + SOON_MS || !(await this.runNext())) await turned()
    }
  }

  stop(): void {
    this.#stopped = true
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Event
      if (!isBefore(event, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const right = heap[child + 1]
      if (right !== undefined && isBefore(right, heap[child] as Event)) child += 1
      const below = heap[child]
      if (below === undefined || !isBefore(below, last)) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(x: Event, y: Event): boolean {
  if (x.dueMs !== y.dueMs) return x.dueMs < y.dueMs
  return x.tie !== y.tie ? x.tie < y.tie : x.order < y.order
}

/**
 * Every promise that can go on has gone on when it resolves, because nothing in the simulation waits for anything but the scheduler: Node runs what
 * was given to `nextTick` out of a promise's continuation once no continuation is left. A turn of the event loop would do the same, slower.
 */
function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

function turned(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
