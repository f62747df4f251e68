/** Walks the trees of one commit of an engine's file: hands out every row that can be reached, and says between which keys rows may be lost. */

import {
  type BranchNode,
  type Meta,
  type Node,
  type Page,
  type PageFile,
  type Place,
  type Tree,
  u64,
} from './file-check-pages.ts'
import type { Bytes } from './kv.ts'

/** Something that is not as it must be; rows from the first key to before the second may be lost by it. */
export interface Fault {
  readonly what: string
  readonly from: Bytes
  /** Undefined is the end of all keys. */
  readonly to: Bytes | undefined
}

export interface SurveyVisitor {
  /** In order of their keys, each once. The bytes are views of a page. */
  row(key: Bytes, value: Bytes, place: Place): void
  fault(fault: Fault): void
}

export interface Survey {
  /** In a tree of this commit. */
  readonly used: PageSet
  /** Leaves of the main tree on which not every node was a row. */
  readonly faulty: readonly number[]
  /** Listed as free; undefined when the list can't be trusted. */
  readonly free: PageSet | undefined
}

/** Deeper is no tree of this engine. */
const DEPTH_MAX = 40
const NO_KEY = new Uint8Array(0)

export class PageSet {
  readonly #bits: Uint8Array
  #beyond = new Set<number>()

  /** `pages` are kept cheaply, more are possible. */
  constructor(pages: number) {
    this.#bits = new Uint8Array(Math.ceil(pages / 8))
  }

  has(page: number): boolean {
    const byte = this.#bits[page >>> 3]
    return byte === undefined ? this.#beyond.has(page) : (byte & (1 << (page & 7))) !== 0
  }

  /** False when it was there. */
  add(page: number): boolean {
    if (this.has(page)) return false
    const byte = this.#bits[page >>> 3]
    if (byte === undefined) this.#beyond.add(page)
    else this.#bits[page >>> 3] = byte | (1 << (page & 7))
    return true
  }
}

/** Without `leaves` only what lies above them is read: a hundredth of the file. */
export function survey(
  file: PageFile,
  meta: Meta,
  visitor: SurveyVisitor,
  { leaves = true }: { readonly leaves?: boolean } = {},
): Survey {
  const used = new PageSet(file.pages)
  used.add(0)
  used.add(1)
  const walk = new TreeWalk(file, meta, meta.main, used, leaves, visitor, byBytes)
  walk.run()
  const free = freePages(file, meta, used, visitor)
  if (leaves && free !== undefined) findStray(meta, file, used, free, visitor)
  return { used, faulty: [...walk.faulty], free }
}

function freePages(file: PageFile, meta: Meta, used: PageSet, visitor: SurveyVisitor): PageSet | undefined {
  const free = new PageSet(file.pages)
  let sound = true
  const fault = (what: string): void => {
    sound = false
    visitor.fault({ what: `the list of free pages: ${what}`, from: NO_KEY, to: NO_KEY })
  }
  const row = (_: Bytes, value: Bytes): void => {
    for (const page of freeIds(value)) {
      if (page === undefined) fault('a row of it is not a list')
      else if (page < 2 || page > meta.lastPage) fault(`names page ${page}, which does not exist`)
      else if (used.has(page)) fault(`names page ${page}, which is in use`)
      else if (!free.add(page)) fault(`names page ${page} twice`)
    }
  }
  new TreeWalk(file, meta, meta.free, used, true, { row, fault: ({ what }) => fault(what) }, byNumber).run()
  return sound ? free : undefined
}

/** `[count, page …]`: a negative number is how many pages follow the page after it, 0 a place that was emptied. */
function* freeIds(value: Bytes): Generator<number | undefined> {
  const list = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const count = list.length < 8 ? -1 : u64(list, 0)
  if (count < 0 || (count + 1) * 8 > list.length) return yield undefined
  for (let i = 1; i <= count; i++) {
    const id = list.readBigInt64LE(i * 8)
    if (id > 0n) yield Number(id)
    if (id >= 0n) continue
    const first = ++i <= count ? list.readBigInt64LE(i * 8) : 0n
    if (first <= 0n || id < -0x1_0000_0000n) return yield undefined
    for (let page = Number(first); page < Number(first - id); page++) yield page
  }
}

/** Each page up to the last is in a tree or free: one that is neither was lost by a damaged node or list. */
function findStray(meta: Meta, file: PageFile, used: PageSet, free: PageSet, visitor: SurveyVisitor): void {
  let stray = 0
  for (let page = 2; page <= Math.min(meta.lastPage, file.pages - 1); page++) {
    if (!used.has(page) && !free.has(page)) stray++
  }
  if (stray > 0) visitor.fault({ what: `${stray} pages are neither in use nor free`, from: NO_KEY, to: NO_KEY })
}

class TreeWalk {
  readonly #file: PageFile
  readonly #meta: Meta
  readonly #tree: Tree
  readonly #used: PageSet
  readonly #leaves: boolean
  readonly #visitor: SurveyVisitor
  readonly #compare: Compare
  readonly #found = { branchPages: 0, leafPages: 0, bigPages: 0, entries: 0 }
  readonly faulty = new Set<number>()
  #faults = 0

  constructor(
    file: PageFile,
    meta: Meta,
    tree: Tree,
    used: PageSet,
    leaves: boolean,
    visitor: SurveyVisitor,
    compare: Compare,
  ) {
    this.#file = file
    this.#meta = meta
    this.#tree = tree
    this.#used = used
    this.#leaves = leaves
    this.#visitor = visitor
    this.#compare = compare
  }

  run(): void {
    const { root, depth } = this.#tree
    if (root !== undefined) this.#enter(root, 1, NO_KEY, undefined)
    if (this.#faults > 0) return
    const counts = ['branchPages', 'leafPages', ...(this.#leaves ? (['bigPages', 'entries'] as const) : [])] as const
    const differs = counts.find((count) => this.#found[count] !== this.#tree[count])
    if (differs !== undefined || (root === undefined) !== (depth === 0)) {
      this.#fault(`it has ${this.#found[differs ?? 'entries']} ${differs ?? 'levels'} and should have another number`)
    }
  }

  #fault(what: string, from: Bytes = NO_KEY, to?: Bytes): void {
    this.#faults++
    this.#visitor.fault({ what, from: Uint8Array.from(from), to: to === undefined ? undefined : Uint8Array.from(to) })
  }

  #enter(number: number, level: number, from: Bytes, to: Bytes | undefined): void {
    const isSkipped = !this.#leaves && level === this.#tree.depth
    const page = isSkipped ? undefined : this.#file.page(number)
    const why = this.#whyNotHere(number) ?? (page === undefined ? undefined : this.#whyNot(page, level))
    if (why !== undefined) this.#fault(`page ${number} ${why}`, from, to)
    else {
      this.#used.add(number)
      if (isSkipped) this.#found.leafPages++
      if (page?.kind === 'leaf') this.#leaf(page, number, from, to)
      if (page?.kind === 'branch') this.#branch(page.nodes, number, level, from, to)
    }
  }

  #whyNotHere(number: number): string | undefined {
    if (number < 2 || number > this.#meta.lastPage) return 'does not exist'
    if (number >= this.#file.pages) return 'is not in the file'
    return this.#used.has(number) ? 'is in the tree twice' : undefined
  }

  #whyNot(page: Page, level: number): string | undefined {
    if (page.kind === 'broken') return page.why
    if (page.transaction > this.#meta.transaction) return 'is newer than the commit it is in'
    if (page.kind === 'big') return 'is part of a value'
    if (level > DEPTH_MAX) return 'is too deep in the tree'
    if (page.nodes.length === 0) return 'has no nodes'
    if (page.kind === 'leaf') return level === this.#tree.depth ? undefined : 'is a leaf where there can be none'
    return level < this.#tree.depth ? undefined : 'is a branch where there can be none'
  }

  #leaf({ nodes }: Extract<Page, { kind: 'leaf' }>, number: number, from: Bytes, to: Bytes | undefined): void {
    this.#found.leafPages++
    let before: Bytes | undefined
    for (const [i, node] of nodes.entries()) {
      const what = this.#whatOf(node, before, from, to)
      if (what !== undefined) {
        this.faulty.add(number)
        this.#fault(`page ${number}, node ${i}: ${what}`, from, to)
      } else if (typeof node === 'object') {
        before = node.key
        this.#row(node)
      }
    }
  }

  #whatOf(node: Node | string | undefined, before: Bytes | undefined, from: Bytes, to: Bytes | undefined) {
    if (node === undefined) return 'makes no sense'
    if (typeof node === 'string') return node
    if (node.key.length === 0) return 'has no key'
    const { page, ownPages: pages } = node.place
    const outside =
      this.#compare(node.key, before ?? from) < 0 || (to !== undefined && this.#compare(node.key, to) >= 0)
    if (outside || (before !== undefined && this.#compare(node.key, before) === 0)) return 'its key is not in order'
    if (pages === undefined) return undefined
    for (let i = 0; i < pages; i++)
      if (!this.#used.add(page + i)) return `page ${page + i} of its value is in use twice`
    if (page + pages - 1 > this.#meta.lastPage) return `page ${page} of its value does not exist`
    this.#found.bigPages += pages
    return undefined
  }

  #row({ key, value, place }: Node): void {
    this.#found.entries++
    this.#visitor.row(key, value, place)
  }

  #branch(
    nodes: readonly (BranchNode | undefined)[],
    number: number,
    level: number,
    from: Bytes,
    to: Bytes | undefined,
  ): void {
    this.#found.branchPages++
    // The first key of a branch is never looked at by the engine: everything before the second is in its child.
    const keys = nodes.map((node, i) => (i === 0 ? from : node?.key))
    const isPast = (key: Bytes, end: Bytes | undefined): boolean => end !== undefined && this.#compare(key, end) > 0
    for (const [i, node] of nodes.entries()) {
      const [lower, upper] = [keys[i] ?? from, i + 1 < keys.length ? keys[i + 1] : to]
      const misplaced =
        this.#compare(lower, from) < 0 ||
        (upper !== undefined && (this.#compare(upper, lower) <= 0 || isPast(upper, to)))
      if (node === undefined || misplaced) this.#fault(`page ${number}, node ${i} makes no sense`, from, to)
      else this.#enter(node.child, level + 1, lower, upper)
    }
  }
}

type Compare = (a: Bytes, b: Bytes) => number

function byBytes(a: Bytes, b: Bytes): number {
  return Buffer.compare(a, b)
}

/** Of keys that are numbers of the machine; no key at all is before all of them. */
function byNumber(a: Bytes, b: Bytes): number {
  const number = (key: Bytes): number => (key.length === 8 ? u64(Buffer.from(key), 0) : -1)
  return number(a) - number(b)
}
