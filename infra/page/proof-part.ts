/** The proof of a gateway as tables: the sums, each store, each epoch, and as of when all that is so. */

import type { EpochVerdict, StoreVerdict } from '../../services/core/verdict.ts'
import type { GatewayDetail } from '../../services/status/page-api.ts'
import { el, type Part, PartList, setText } from './dom.ts'
import { count, shortId, sizeOf } from './format.ts'
import { section, stateMark, timeMark } from './marks.ts'

export function proofPart(gateway: string): Part<GatewayDetail> {
  const asOf = timeMark()
  const sums = new Map(
    (['accepted', 'settled', 'pending', 'void', 'lost'] as const).map(
      (name) => [name, el('dd', { class: 'n' })] as const,
    ),
  )
  const stores = el('tbody')
  const storeRows = new PartList<readonly [string, StoreVerdict]>(stores, ([name]) => name, storeRow)
  const epochs = el('tbody')
  const epochRows = new PartList<EpochVerdict>(epochs, ({ epoch }) => epoch, epochRow)
  return {
    element: section(
      'proof',
      'Proof',
      el('p', { class: 'as-of' }, 'As of ', asOf.element),
      el('dl', { class: 'sums' }, ...[...sums].map(([name, value]) => el('div', {}, el('dt', {}, name), value))),
      table('Each store', ['Store', '#Landed', '#Conflict', '#Rejected', '#Missing', 'Generation'], stores),
      table('Each epoch', ['Epoch', 'State', '#Up to', '#Ended at', '#Missing'], epochs),
      el(
        'p',
        { class: 'more' },
        'The same, for a script: ',
        el('code', {}, `npx tidemark proof --gateway ${gateway} --json`),
      ),
    ),
    update: (detail) => {
      asOf.update(detail.as_of)
      for (const [name, element] of sums) setText(element, count(detail[name]))
      storeRows.set(Object.entries(detail.stores))
      epochRows.set(detail.epochs.toReversed())
    },
  }
}

/** A head with `#` before it stands over numbers. */
function table(name: string, heads: readonly string[], rows: HTMLElement): HTMLElement {
  const cells = heads.map((each) =>
    el('th', { scope: 'col', class: each.startsWith('#') && 'n' }, each.replace('#', '')),
  )
  const content = el('table', {}, el('caption', {}, name), el('thead', {}, el('tr', {}, ...cells)), rows)
  return el('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': name }, content)
}

function storeRow([name]: readonly [string, StoreVerdict]): Part<readonly [string, StoreVerdict]> {
  const numbers = [0, 1, 2, 3].map(() => el('td', { class: 'n' }))
  const generation = el('td', { class: 'id' })
  return {
    element: el('tr', {}, el('th', { scope: 'row' }, name), ...numbers, generation),
    update: ([, store]) => {
      const values = [store.landed, store.conflict, store.rejected, store.missing]
      numbers.forEach((cell, i) => void setText(cell, count(values[i] ?? 0)))
      setText(generation, store.generation === null ? 'none yet' : shortId(store.generation))
    },
  }
}

function epochRow({ epoch }: EpochVerdict): Part<EpochVerdict> {
  const state = stateMark()
  const [bound, final, missing] = [el('td', { class: 'n' }), el('td', { class: 'n' }), el('td', { class: 'n' })]
  return {
    element: el(
      'tr',
      {},
      el('th', { scope: 'row', class: 'id', title: epoch }, shortId(epoch)),
      el('td', {}, state.element),
      bound,
      final,
      missing,
    ),
    update: (verdict) => {
      state.update(verdict.state)
      setText(bound, count(verdict.bound))
      setText(final, verdict.final_seq === null ? 'goes on' : count(verdict.final_seq))
      setText(missing, count(sizeOf(verdict.missing)))
    },
  }
}
