/** The top of a gateway's view: its name, how it stands and why, and the switch of its link. */

import type { GatewayRow } from '../../services/status/page-api.ts'
import { post } from './api.ts'
import { el, type Part, setAttribute, setChildren, setHidden, setText } from './dom.ts'
import { count } from './format.ts'
import { LINK_WORDS, stateMark, timeMark } from './marks.ts'
import { doing } from './say.ts'

export function gatewayHead(gateway: string, done: () => void): Part<GatewayRow> {
  const state = stateMark()
  const mark = timeMark()
  const because = el('ul', { class: 'because' })
  const link = linkSwitch(gateway, done)
  const element = el(
    'div',
    { class: 'gateway-head' },
    el('p', { class: 'crumb' }, el('a', { href: '#/' }, 'Fleet')),
    el('h1', { tabindex: -1 }, gateway),
    el('div', { class: 'gateway-facts' }, state.element, link.element, el('p', {}, 'Last mark ', mark.element)),
    because,
  )
  let reasons = ''
  return {
    element,
    update: (row) => {
      state.update(row.state)
      mark.update(row.last_mark)
      link.update(row)
      setHidden(because, row.because.length === 0)
      if (reasons === row.because.join()) return
      reasons = row.because.join()
      setChildren(
        because,
        row.because.map((each) => el('li', {}, each)),
      )
    },
  }
}

/** A switch where this process holds the link; else a word. */
function linkSwitch(gateway: string, done: () => void): Part<GatewayRow> {
  let row: GatewayRow | undefined
  const word = el('span')
  const button = el(
    'button',
    { type: 'button', role: 'switch', class: 'switch', 'aria-label': `Link of ${gateway}`, click: () => void turn() },
    el('span', { class: 'knob', 'aria-hidden': 'true' }),
  )
  const element = el('div', { class: 'link-switch' }, button, word)
  const show = (news: GatewayRow): void => {
    row = news
    setHidden(button, !news.switchable)
    setAttribute(button, 'aria-checked', news.link === 'cut' ? 'false' : 'true')
    setAttribute(element, 'data-link', news.link)
    const kept = news.journal?.unconfirmed ?? 0
    const held = news.link === 'cut' && kept > 0 ? `, ${count(kept)} kept for later` : ''
    setText(word, `Link ${LINK_WORDS[news.link]}${held}`)
  }
  const turn = async (): Promise<void> => {
    if (row === undefined || button.getAttribute('aria-busy') === 'true') return
    const cut = row.link !== 'cut'
    setAttribute(button, 'aria-busy', 'true')
    await doing(
      async () => {
        await post(`/api/link/${encodeURIComponent(gateway)}`, { cut })
        if (row !== undefined) show({ ...row, link: cut ? 'cut' : 'up' })
        return cut
          ? `The link of ${gateway} is cut. It goes on capturing into its journal.`
          : `The link of ${gateway} is restored.`
      },
      `The link of ${gateway} was not ${cut ? 'cut' : 'restored'}`,
    ).finally(() => setAttribute(button, 'aria-busy', undefined))
    done()
  }
  return { element, update: show }
}
