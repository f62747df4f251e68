/** Which recordings have come or changed and have to rest before they count: a bounded table, in the order in which their time comes. */

import { type Judgement, SIDECAR_BYTES_MAX } from '../core/recordings.ts'
import type { Finding } from '../ports/file-tree.ts'
import type { RecordingMark } from '../ports/recording-index.ts'

/** What the index is known to hold: `undefined` nothing, `'unknown'` nobody has looked. */
export type Known = RecordingMark | undefined | 'unknown'

export interface Waiting {
  readonly finding: Finding
  readonly known: Known
  /** When it was seen first, by the wall clock. */
  readonly foundMs: number
  /** Since when it has not changed, by both clocks. */
  readonly sinceMs: number
  readonly sinceWallMs: number
  /** When its files were looked at last, by the monotonic clock. */
  readonly lookedMs: number
  /** What was read of it ahead; it counts as long as the stamp is the same. */
  readonly judgement?: Judgement
}

export interface Now {
  readonly monotonicMs: number
  readonly wallMs: number
}

/** Of sidecars that are read ahead. */
const AHEAD_BYTES = 32_000_000

export class Settling {
  readonly #settleMs: number
  readonly #max: number
  /** In the order of `sinceMs`. */
  readonly #waiting = new Map<string, Waiting>()
  /** Have rested; are to be written. */
  readonly #ready = new Map<string, Waiting>()
  #aheadBytes = 0

  constructor(settleMs: number, max: number) {
    this.#settleMs = settleMs
    this.#max = max
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get ready(): number {
    return this.#ready.size
  }

  get isFull(): boolean {
    return this.#waiting.size + this.#ready.size >= this.#max
  }

  has(path: string): boolean {
    return this.#waiting.has(path) || this.#ready.has(path)
  }

  /** What is in already only learns what the index holds. False when there is no room. */
  offer(finding: Finding, known: Known, now: Now): boolean {
    for (const table of [this.#waiting, this.#ready]) {
      const held = table.get(finding.path)
      if (held === undefined) continue
      if (known !== 'unknown') table.set(finding.path, { ...held, known })
      return true
    }
    if (this.isFull) return false
    this.#waiting.set(finding.path, { finding, known, foundMs: now.wallMs, ...rested(now) })
    return true
  }

  /** Those whose time has come; they are to be looked at again. */
  due(monotonicMs: number, max: number): readonly string[] {
    const paths: string[] = []
    for (const [path, { sinceMs }] of this.#waiting) {
      if (sinceMs + this.#settleMs > monotonicMs || paths.length >= max) break
      paths.push(path)
    }
    return paths
  }

  /** When the next one's time comes, by the monotonic clock. */
  get nextDueMs(): number {
    for (const { sinceMs } of this.#waiting.values()) return sinceMs + this.#settleMs
    return Number.POSITIVE_INFINITY
  }

  /** After a new look: it is ready when it has rested, begins anew when it has changed, and is forgotten when nothing is there any more. */
  looked(finding: Finding, now: Now): void {
    const { path } = finding
    const held = this.#waiting.get(path) ?? this.#ready.get(path)
    if (held === undefined) return
    const isSame = held.finding.stamp === finding.stamp
    const hasRested = isSame && now.monotonicMs - held.sinceMs >= this.#settleMs
    if (hasRested && this.#ready.has(path)) {
      this.#ready.set(path, { ...held, lookedMs: now.monotonicMs })
      return
    }
    const { judgement: _, ...unread } = held
    this.forget(path)
    if (finding.data.kind === 'none' && finding.sidecar.kind === 'none') return
    if (hasRested) this.#ready.set(path, { ...unread, lookedMs: now.monotonicMs })
    else if (isSame) this.#waiting.set(path, unread)
    else this.#waiting.set(path, { ...unread, finding, ...rested(now) })
  }

  /** Some that are ready; they stay until they are forgotten. */
  takeReady(max: number): readonly Waiting[] {
    const taken: Waiting[] = []
    for (const each of this.#ready.values()) {
      if (taken.length >= max) break
      taken.push(each)
    }
    return taken
  }

  /** Some that are ready and not read yet, as long as there is room for what is read. */
  unread(max: number): readonly Waiting[] {
    const some: Waiting[] = []
    for (const each of this.#ready.values()) {
      if (some.length >= max || this.#aheadBytes >= AHEAD_BYTES) break
      if (each.judgement === undefined) some.push(each)
    }
    return some
  }

  read({ finding }: Waiting, judgement: Judgement): void {
    const held = this.#ready.get(finding.path)
    if (held?.finding.stamp !== finding.stamp || held.judgement !== undefined) return
    this.#ready.set(finding.path, { ...held, judgement })
    this.#aheadBytes += bytesOf(held)
  }

  forget(path: string): void {
    const held = this.#ready.get(path)
    if (held?.judgement !== undefined) this.#aheadBytes -= bytesOf(held)
    this.#waiting.delete(path)
    this.#ready.delete(path)
  }
}

function bytesOf({ finding: { sidecar } }: Waiting): number {
  return sidecar.kind === 'file' ? Math.min(sidecar.size, SIDECAR_BYTES_MAX) : 0
}

function rested({ monotonicMs, wallMs }: Now): Pick<Waiting, 'sinceMs' | 'sinceWallMs' | 'lookedMs'> {
  return { sinceMs: monotonicMs, sinceWallMs: wallMs, lookedMs: monotonicMs }
}
