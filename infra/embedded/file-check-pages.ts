/**
 * Reads a file of the engine page by page, without the engine: damage is then a finding, and not a crash or an endless loop of whoever looks.
 * The format is LMDB's (data version 2, little endian): two meta pages, of which the newer counts; trees of branch and leaf pages; values too large for
 * half a page on pages of their own. Every page is in one tree, once, or in the list of free pages.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Bytes } from './kv.ts'

export const PAGE_HEADER_BYTES = 24
const PAGE_BYTES_DEFAULT = 4096
const MAGIC = 0xbeefc0de
const VERSION = 2
const BRANCH = 1
const LEAF = 2
const OVERFLOW = 4
const META = 8
const TREE_BYTES = 48
const NODE_BYTES = 8
const BIG_VALUE = 1
/** Page, transaction and count of pages, in the place of a value that has pages of its own. */
const BIG_VALUE_BYTES = 24
const NO_PAGE = 0xffff_ffff_ffff_ffffn

export interface Tree {
  readonly depth: number
  readonly branchPages: number
  readonly leafPages: number
  readonly bigPages: number
  readonly entries: number
  /** Undefined when the tree is empty. */
  readonly root: number | undefined
}

/** What one commit left: where its trees begin. */
export interface Meta {
  readonly slot: number
  readonly transaction: number
  readonly pageBytes: number
  readonly lastPage: number
  readonly free: Tree
  readonly main: Tree
}

/** Where the bytes of a value stand in the file. */
export interface Place {
  readonly page: number
  readonly at: number
  readonly bytes: number
  /** Of a value that does not stand in its leaf: how many pages it has. More than it needs, when it was longer earlier in its transaction. */
  readonly ownPages?: number
}

export interface Node {
  readonly key: Bytes
  readonly value: Bytes
  readonly place: Place
}

export interface BranchNode {
  readonly key: Bytes
  readonly child: number
}

export type Page =
  | { readonly kind: 'branch'; readonly transaction: number; readonly nodes: readonly (BranchNode | undefined)[] }
  /** A node that makes no sense is undefined, one whose big value is not there has a text that says why. */
  | { readonly kind: 'leaf'; readonly transaction: number; readonly nodes: readonly (Node | string | undefined)[] }
  | { readonly kind: 'big'; readonly transaction: number; readonly pages: number }
  | { readonly kind: 'broken'; readonly why: string }

export class PageFile {
  readonly #file: number
  readonly bytes: number
  pageBytes = PAGE_BYTES_DEFAULT

  constructor(path: string) {
    this.#file = openSync(path, 'r')
    this.bytes = fstatSync(this.#file).size
  }

  /** Whole pages of the file. */
  get pages(): number {
    return Math.floor(this.bytes / this.pageBytes)
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }

  /** Reads the file once from front to back, so that what is read later in the order of the trees is at hand. */
  warm(): void {
    const chunk = Buffer.allocUnsafe(2 ** 20)
    for (let at = 0; at < this.bytes; at += chunk.length) this.#into(chunk, at)
  }

  /** Undefined beyond the end, and where the disk does not give the bytes. */
  read(page: number, count = 1): Buffer | undefined {
    const bytes = count * this.pageBytes
    if (page < 0 || (page + count) * this.pageBytes > this.bytes) return undefined
    const buffer = Buffer.allocUnsafeSlow(bytes)
    return this.#into(buffer, page * this.pageBytes) === bytes ? buffer : undefined
  }

  valueAt({ page, at, bytes }: Place): Bytes | undefined {
    return this.read(page, Math.ceil((at + bytes) / this.pageBytes))?.subarray(at, at + bytes)
  }

  /** As it stands in its slot; undefined when it is none. */
  meta(slot: number): Meta | undefined {
    const page = Buffer.alloc(200)
    if (this.#into(page, slot * this.pageBytes) !== page.length) return undefined
    if ((page.readUInt16LE(18) & META) === 0 || page.readUInt32LE(24) !== MAGIC) return undefined
    if ((page.readUInt32LE(28) & 0xffff) !== VERSION) return undefined
    const pageBytes = page.readUInt32LE(48)
    const isSize = pageBytes >= 512 && pageBytes <= 65_536 && (pageBytes & (pageBytes - 1)) === 0
    if (!isSize) return undefined
    const rest = 48 + 2 * TREE_BYTES
    const [lastPage, transaction] = [u64(page, rest), u64(page, rest + 8)]
    return { slot, transaction, pageBytes, lastPage, free: treeAt(page, 48), main: treeAt(page, 48 + TREE_BYTES) }
  }

  page(number: number): Page {
    const bytes = this.read(number)
    if (bytes === undefined) return { kind: 'broken', why: 'is not in the file' }
    const [itsNumber, transaction, flags] = [u64(bytes, 0), u64(bytes, 8), bytes.readUInt16LE(18)]
    if (itsNumber !== number) return { kind: 'broken', why: 'is another page or none' }
    if (flags === OVERFLOW) return { kind: 'big', transaction, pages: bytes.readUInt32LE(20) }
    if (flags !== BRANCH && flags !== LEAF) return { kind: 'broken', why: `has unknown flags ${flags}` }
    const [lower, upper] = [bytes.readUInt16LE(20), bytes.readUInt16LE(22)]
    const room = this.pageBytes - PAGE_HEADER_BYTES
    if (lower % 2 !== 0 || lower > upper || upper > room) return { kind: 'broken', why: 'has no room for its nodes' }
    const places = Array.from({ length: lower / 2 }, (_, i) => bytes.readUInt16LE(PAGE_HEADER_BYTES + i * 2))
    const at = (place: number): number | undefined =>
      place >= upper && place + NODE_BYTES <= room ? place + PAGE_HEADER_BYTES : undefined
    if (flags === BRANCH) return { kind: 'branch', transaction, nodes: places.map((p) => branchNode(bytes, at(p))) }
    return { kind: 'leaf', transaction, nodes: places.map((place) => this.nodeAt(bytes, number, at(place))) }
  }

  /** The node of a leaf at these bytes of its page. */
  nodeAt(page: Buffer, number: number, at: number | undefined): Node | string | undefined {
    if (at === undefined || at + NODE_BYTES > page.length) return undefined
    const size = page.readUInt16LE(at) + page.readUInt16LE(at + 2) * 0x1_0000
    const flags = page.readUInt16LE(at + 4)
    const keyEnd = at + NODE_BYTES + page.readUInt16LE(at + 6)
    const end = keyEnd + (flags === BIG_VALUE ? BIG_VALUE_BYTES : size)
    if ((flags !== 0 && flags !== BIG_VALUE) || end > page.length) return undefined
    const key = page.subarray(at + NODE_BYTES, keyEnd)
    if (flags === 0) {
      return { key, value: page.subarray(keyEnd, end), place: { page: number, at: keyEnd, bytes: size } }
    }
    const big = u64(page, keyEnd)
    const ownPages = u64(page, keyEnd + 16)
    if (ownPages * this.pageBytes < PAGE_HEADER_BYTES + size) return `value on page ${big} does not say how long it is`
    const bytes = this.read(big, ownPages)
    if (bytes === undefined) return `value on page ${big} is not in the file`
    if (u64(bytes, 0) !== big || bytes.readUInt16LE(18) !== OVERFLOW || bytes.readUInt32LE(20) !== ownPages) {
      return `page ${big} is not the value it should be`
    }
    const place = { page: big, at: PAGE_HEADER_BYTES, bytes: size, ownPages }
    return { key, value: bytes.subarray(PAGE_HEADER_BYTES, PAGE_HEADER_BYTES + size), place }
  }

  #into(buffer: Buffer, from: number): number {
    try {
      return readSync(this.#file, buffer, 0, buffer.length, from)
    } catch {
      return 0
    }
  }
}

/** Numbers past 2⁵³ come out imprecise, and far past every page. */
export function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000
}

function treeAt(meta: Buffer, at: number): Tree {
  return {
    depth: meta.readUInt16LE(at + 6),
    branchPages: u64(meta, at + 8),
    leafPages: u64(meta, at + 16),
    bigPages: u64(meta, at + 24),
    entries: u64(meta, at + 32),
    root: meta.readBigUInt64LE(at + 40) === NO_PAGE ? undefined : u64(meta, at + 40),
  }
}

function branchNode(page: Buffer, at: number | undefined): BranchNode | undefined {
  if (at === undefined) return undefined
  const end = at + NODE_BYTES + page.readUInt16LE(at + 6)
  if (end > page.length) return undefined
  return { key: page.subarray(at + NODE_BYTES, end), child: page.readUIntLE(at, 6) }
}
