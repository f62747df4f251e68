/** What the page says to those who listen or look elsewhere: state changes sparingly, and the outcome of what was asked. */

import { Refused } from './api.ts'
import { el, setHidden, setText } from './dom.ts'

const SPARINGLY_MS = 8000

const heard = el('p', { class: 'heard', role: 'status', 'aria-live': 'polite', id: 'said' })
const noticeText = el('span', {})
const notice = el(
  'div',
  { class: 'notice', role: 'status', 'aria-live': 'polite', hidden: true, id: 'notice' },
  noticeText,
  el('button', { type: 'button', class: 'quiet', click: () => setHidden(notice, true) }, 'Dismiss'),
)

export const sayElements: readonly HTMLElement[] = [notice, heard]

let waiting: string | undefined
let lastMs = Number.NEGATIVE_INFINITY

/** For screen readers: at most one sentence in eight seconds, the newest. */
export function say(sentence: string): void {
  if (waiting === undefined) {
    setTimeout(
      () => {
        lastMs = performance.now()
        setText(heard, waiting ?? '')
        waiting = undefined
      },
      Math.max(50, lastMs + SPARINGLY_MS - performance.now()),
    )
  }
  waiting = sentence
}

/** For everybody, until it is dismissed or something else is to be said. */
function show(sentence: string, failed = false): void {
  notice.classList.toggle('failed', failed)
  setText(noticeText, sentence)
  setHidden(notice, false)
}

/** Runs what somebody asked for, and says how it ended. */
export async function doing(work: () => Promise<string>, failure: string): Promise<void> {
  try {
    const sentence = await work()
    if (sentence !== '') show(sentence)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    show(`${failure}: ${error.message}`, true)
  }
}
