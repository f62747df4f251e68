/** A view that is one list, asked for again while it is shown. */

import { Asking } from './asking.ts'
import { el, type Part, PartList, setHidden, setText } from './dom.ts'
import { empty } from './marks.ts'
import type { View } from './view.ts'

export interface ListOptions<T, R> {
  readonly title: string
  readonly path: string
  rows(news: T): readonly R[]
  key(row: R): string
  part(row: R): Part<R>
  /** Below the title, also where the list is empty. */
  sentence(news: T): string
}

const EVERY_MS = 5000

export class ListView<T, R> implements View {
  readonly title: string
  readonly element: HTMLElement
  readonly #asking: Asking<T>

  constructor({ title, path, rows, key, part, sentence }: ListOptions<T, R>) {
    this.title = title
    const said = empty('Asking the server …')
    const list = el('ol', { class: 'entries', 'aria-label': title })
    const parts = new PartList(list, key, part)
    let isThere = false
    this.element = el('div', { class: 'view' }, el('h1', { tabindex: -1 }, title), said, list)
    this.#asking = new Asking<T>({
      path,
      everyMs: EVERY_MS,
      answered: (news) => {
        isThere = true
        parts.set(rows(news))
        setText(said, sentence(news))
        setHidden(said, said.textContent === '')
      },
      refused: (reason) => {
        setHidden(said, false)
        setText(said, `${isThere ? 'Not up to date' : 'Nothing to show'}: ${reason}. This page tries again by itself.`)
      },
    })
  }

  close(): void {
    this.#asking.close()
  }
}
