/** Makes and changes elements; what has not changed is not touched, so that focus, selection and scrolling stay. */

export type Child = Node | string | null

type Property = string | number | boolean | undefined | ((event: Event) => void)

/** A function is a listener for the event of that name; `true` is an empty attribute; `false` and `undefined` are none. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Readonly<Record<string, Property>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else setAttribute(element, name, value)
  }
  element.append(...children.filter((child) => child !== null))
  return element
}

export function setAttribute(element: Element, name: string, value: string | number | boolean | undefined): void {
  if (value === undefined || value === false) {
    element.removeAttribute(name)
    return
  }
  const text = value === true ? '' : String(value)
  if (element.getAttribute(name) !== text) element.setAttribute(name, text)
}

export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

export function setHidden(element: HTMLElement, hidden: boolean): void {
  if (element.hidden !== hidden) element.hidden = hidden
}

/** Gives the parent these children in this order, moving as few as can be; the focused one keeps its focus. */
export function setChildren(parent: Element, children: readonly Element[]): void {
  const focused = document.activeElement
  const wanted = new Set<Element>(children)
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove()
  let next = parent.firstElementChild
  for (const child of children) {
    if (child === next) next = next.nextElementSibling
    else parent.insertBefore(child, next)
  }
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true })
  }
}

export interface Part<T> {
  readonly element: HTMLElement
  update(item: T): void
}

/** A list whose elements live as long as their item's key. */
export class PartList<T> {
  readonly #parts = new Map<string, Part<T>>()
  readonly #parent: Element
  readonly #key: (item: T) => string
  readonly #make: (item: T) => Part<T>

  constructor(parent: Element, key: (item: T) => string, make: (item: T) => Part<T>) {
    this.#parent = parent
    this.#key = key
    this.#make = make
  }

  set(items: readonly T[]): void {
    const keys = new Set<string>()
    const elements = items.map((item) => {
      const key = this.#key(item)
      keys.add(key)
      const part = this.#parts.get(key) ?? this.#make(item)
      this.#parts.set(key, part)
      part.update(item)
      return part.element
    })
    for (const key of this.#parts.keys()) if (!keys.has(key)) this.#parts.delete(key)
    setChildren(this.#parent, elements)
  }
}
