/** The small signs used everywhere: a state, a link, a water level, a time, what is not there. */

import type { LinkState } from '../../services/status/page-api.ts'
import { type Child, el, type Part, setAttribute, setText } from './dom.ts'
import { clock } from './format.ts'

/** A word with a shape of its own, so that colour is never all there is. */
export function stateMark(): Part<string> {
  const word = el('span')
  const element = el('span', { class: 'state' }, el('span', { class: 'sign', 'aria-hidden': 'true' }), word)
  return {
    element,
    update: (state) => {
      setAttribute(element, 'data-state', state)
      setText(word, state)
    },
  }
}

export const LINK_WORDS: Readonly<Record<LinkState, string>> = { up: 'up', silent: 'silent', cut: 'cut' }

/** How high the water stands. A picture beside its numbers, so nothing to be read out; what is not full is never drawn full. */
export function levelMark(): Part<{ readonly part: number; readonly whole: number }> {
  const water = el('span', { class: 'water' })
  const element = el('span', { class: 'level', 'aria-hidden': 'true' }, water)
  return {
    element,
    update: ({ part, whole }) => {
      const share = whole === 0 ? 1 : Math.max(0, Math.min(1, part / whole))
      water.style.width = share === 1 ? '100%' : `min(${share * 100}%, 100% - 3px)`
      element.classList.toggle('full', share === 1)
    },
  }
}

export function timeMark(): Part<string | null> {
  const element = el('time')
  return {
    element,
    update: (time) => {
      setText(element, clock(time))
      setAttribute(element, 'datetime', time ?? undefined)
      setAttribute(element, 'title', time ?? undefined)
    },
  }
}

/** One for the page; what is asked for again keeps it. */
export function empty(...children: readonly Child[]): HTMLElement {
  return el('p', { class: 'empty' }, ...children)
}

/** A part of a view under a heading of its own. */
export function section(id: string, heading: string, ...children: readonly Child[]): HTMLElement {
  return el('section', { class: `part ${id}`, 'aria-labelledby': id }, el('h2', { id }, heading), ...children)
}
