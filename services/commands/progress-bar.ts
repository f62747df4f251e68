/** One line of progress on a terminal; nothing at all elsewhere. */

import type { Clock } from '../ports/clock.ts'

export interface ProgressOutput {
  readonly clock: Clock
  readonly terminal: boolean
  note(text: string): void
}

export interface ProgressBar {
  /** `part` is 0…1, undefined where the end is not known. `done` counts readings. */
  show(done: number, part: number | undefined): void
  /** Takes the line away, so that what follows stands alone. */
  clear(): void
}

const EVERY_MS = 100
const WIDTH = 30
const ERASE = '\r\u001b[K'

export function progressBar({ clock, terminal, note }: ProgressOutput, label: string): ProgressBar {
  const startedMs = clock.monotonicMs()
  let shownMs = Number.NEGATIVE_INFINITY
  return {
    show: (done, part) => {
      const nowMs = clock.monotonicMs()
      if (!terminal || nowMs - shownMs < EVERY_MS) return
      shownMs = nowMs
      const perS = Math.round((done * 1_000) / Math.max(1, nowMs - startedMs))
      note(`${ERASE}${label} ${barText(part)}${counted(done)} readings, ${counted(perS)}/s`)
    },
    clear: () => {
      if (shownMs !== Number.NEGATIVE_INFINITY) note(ERASE)
      shownMs = Number.NEGATIVE_INFINITY
    },
  }
}

/** 12,345 */
export function counted(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

function barText(part: number | undefined): string {
  if (part === undefined) return ''
  const filled = Math.round(Math.min(1, Math.max(0, part)) * WIDTH)
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${String(Math.floor(part * 100)).padStart(3)} %  `
}
