/** Rows of which only those in sight exist, however many there are: all of one height, moved through by the arrow keys. */

import { type Part, setChildren } from './dom.ts'

export interface Row<T> extends Part<T> {
  /** What Tab comes to: one of all rows, moved by the arrow keys. */
  readonly focusable: HTMLElement
}

export interface VirtualRowsOptions<T> {
  /** Holds the rows; its position is relative. */
  readonly body: HTMLElement
  /** What scrolls; the page without it. */
  readonly scroller?: HTMLElement
  item(key: string): T | undefined
  make(key: string): Row<T>
  /** Numbers the row for those who can not see how many there are. */
  number(element: HTMLElement, index: number, count: number): void
}

const SPARE_ROWS = 6
const FIRST_GUESS_PX = 44

export class VirtualRows<T> {
  readonly #options: VirtualRowsOptions<T>
  readonly #rows = new Map<string, Row<T>>()
  readonly #ended = new AbortController()
  readonly #sizes: ResizeObserver
  #keys: readonly string[] = []
  #places = new Map<string, number>()
  #height = FIRST_GUESS_PX
  #active: string | undefined
  #frame = 0

  constructor(options: VirtualRowsOptions<T>) {
    this.#options = options
    const passive = { passive: true, signal: this.#ended.signal }
    const later = (): void => this.#later()
    ;(options.scroller ?? window).addEventListener('scroll', later, passive)
    window.addEventListener('resize', later, passive)
    this.#sizes = new ResizeObserver(later)
    this.#sizes.observe(options.body)
    options.body.addEventListener('keydown', (event) => this.#key(event), { signal: this.#ended.signal })
    options.body.addEventListener('focusin', (event) => this.#focused(event.target), { signal: this.#ended.signal })
  }

  get keys(): readonly string[] {
    return this.#keys
  }

  /** The row that Tab comes to. */
  get active(): string | undefined {
    return this.#active
  }

  set(keys: readonly string[]): void {
    this.#keys = keys
    this.#places = new Map(keys.map((key, i) => [key, i]))
    this.#render()
  }

  /** Rows whose items are others now. */
  refresh(changed: ReadonlySet<string> | 'all'): void {
    for (const [key, row] of this.#rows) {
      const item = changed === 'all' || changed.has(key) ? this.#options.item(key) : undefined
      if (item !== undefined) row.update(item)
    }
  }

  focus(key: string): void {
    if (!this.#places.has(key)) return
    this.#active = key
    this.#render()
    const row = this.#rows.get(key)
    row?.element.scrollIntoView({ block: 'nearest' })
    row?.focusable.focus({ preventScroll: true })
  }

  close(): void {
    cancelAnimationFrame(this.#frame)
    this.#ended.abort()
    this.#sizes.disconnect()
  }

  #later(): void {
    if (this.#frame !== 0) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      this.#render()
    })
  }

  #render(): void {
    const { body } = this.#options
    const focused = [...this.#rows].find(([, row]) => row.element.contains(document.activeElement))?.[0]
    const [first, last] = this.#inSight()
    this.#chooseActive(focused, first, last)
    const wanted = new Set(this.#keys.slice(first, last))
    for (const kept of [focused, focused === undefined ? undefined : this.#active]) {
      if (kept !== undefined && this.#places.has(kept)) wanted.add(kept)
    }
    for (const key of this.#rows.keys()) if (!wanted.has(key)) this.#rows.delete(key)
    const ordered = [...wanted].sort((x, y) => this.#placeOf(x) - this.#placeOf(y))
    const elements = ordered.map((key) => this.#placed(key))
    body.style.height = `${this.#keys.length * this.#height}px`
    setChildren(body, elements)
    this.#measure(elements[0])
  }

  /** Tab always finds a row: the one it was at last while that is in sight, else the first that is. */
  #chooseActive(focused: string | undefined, first: number, last: number): void {
    const at = this.#active === undefined ? -1 : (this.#places.get(this.#active) ?? -1)
    if ((focused !== undefined && at >= 0) || (at >= first && at < last)) return
    this.#active = this.#keys[first === 0 ? 0 : Math.min(first + SPARE_ROWS, last - 1)]
  }

  #placed(key: string): Row<T>['element'] {
    const index = this.#placeOf(key)
    let row = this.#rows.get(key)
    if (row === undefined) {
      row = this.#options.make(key)
      row.element.dataset.key = key
      const item = this.#options.item(key)
      if (item !== undefined) row.update(item)
      this.#rows.set(key, row)
    }
    row.element.style.transform = `translateY(${index * this.#height}px)`
    row.focusable.tabIndex = key === this.#active ? 0 : -1
    this.#options.number(row.element, index, this.#keys.length)
    return row.element
  }

  #placeOf(key: string): number {
    return this.#places.get(key) ?? 0
  }

  #inSight(): readonly [first: number, last: number] {
    const { body, scroller } = this.#options
    const view = scroller?.getBoundingClientRect() ?? { top: 0, height: window.innerHeight }
    const from = view.top - body.getBoundingClientRect().top
    const first = Math.max(0, Math.floor(from / this.#height) - SPARE_ROWS)
    const last = Math.ceil((from + view.height) / this.#height) + SPARE_ROWS
    return [Math.min(first, this.#keys.length), Math.min(Math.max(last, first), this.#keys.length)]
  }

  /** The style says how high a row is: another on a phone, or with larger letters. */
  #measure(element: HTMLElement | undefined): void {
    const height = element?.offsetHeight ?? 0
    if (height === 0 || height === this.#height) return
    this.#height = height
    this.#render()
  }

  #focused(target: EventTarget | null): void {
    if (!(target instanceof Element)) return
    const key = target.closest<HTMLElement>('[data-key]')?.dataset.key
    if (key === undefined || key === this.#active) return
    this.#active = key
    for (const [each, row] of this.#rows) row.focusable.tabIndex = each === key ? 0 : -1
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || this.#active === undefined) return
    const view = this.#options.scroller?.clientHeight ?? window.innerHeight
    const page = Math.max(1, Math.floor(view / this.#height) - 2)
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    const index = Math.max(0, Math.min(this.#keys.length - 1, this.#placeOf(this.#active) + step))
    const key = this.#keys[index]
    if (key !== undefined) this.focus(key)
  }
}
