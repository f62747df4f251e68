/** A file tree in memory, on a clock that a test moves, with files that can be made to fail in chosen ways. */

import { createHash } from 'node:crypto'
import { TidemarkError } from '../../services/core/errors.ts'
import { comparePaths } from '../../services/core/path-order.ts'
import type { Clock } from '../../services/ports/clock.ts'
import type { FileTree, Finding, Hole, Look, TreeListener } from '../../services/ports/file-tree.ts'

interface MemoryFile {
  readonly bytes: Uint8Array
  readonly changedMs: number
  readonly version: number
}

export interface MemoryTree extends FileTree {
  put(path: string, content: string, changedMs?: number): void
  /** A good recording: data and sidecar. */
  record(path: string, changedMs?: number): void
  remove(path: string): void
  /** All files, for another tree of the same content. */
  readonly files: Map<string, MemoryFile>
  /** In place of what stands at a path, data file or sidecar. */
  readonly looks: Map<string, Look>
  /** Data files whose content can't be read. */
  readonly unreadable: Set<string>
  /** Folders that can't be listed, with `/` at their ends. */
  readonly holes: Set<string>
  /** Data files that a listing passes by, as one may that are renamed meanwhile. */
  readonly passedBy: Set<string>
  /** As of another file system; `undefined` while the root is not there. */
  rootMark: string | undefined
  /** Without events, as on a network file system. */
  isSilent: boolean
  listings: number
  /** Contents read. */
  reads: number
}

const BATCH = 500
/** Shared by all trees of the same files. */
const sortedPaths = new WeakMap<Map<string, MemoryFile>, readonly string[]>()

export function memoryTree(clock: Clock, files = new Map<string, MemoryFile>()): MemoryTree {
  let listener: TreeListener | undefined
  let versions = 0
  const changed = (path: string): void => {
    sortedPaths.delete(files)
    const data = dataOf(path)
    if (data !== undefined && !self.isSilent && self.listings > 0) listener?.seen(data)
  }
  const unreachable = (): TidemarkError => new TidemarkError('root-unreachable', 'switched off by the test')
  const lookAt = (path: string): Look => self.looks.get(path) ?? plainLook(files.get(path))
  const finding = (path: string): Finding => {
    const [data, sidecar] = [path, sidecarOf(path)].map(lookAt) as [Look, Look]
    const times = [path, sidecarOf(path)].map((each) => files.get(each)?.changedMs ?? 0)
    return { path, data, sidecar, stamp: `${stampOf(data)}|${stampOf(sidecar)}`, changedMs: Math.max(...times) }
  }
  const self: MemoryTree = {
    files,
    looks: new Map(),
    unreadable: new Set(),
    holes: new Set(),
    passedBy: new Set(),
    rootMark: '1:1',
    isSilent: false,
    listings: 0,
    reads: 0,
    put: (path, content, changedMs = clock.wallMs()) => {
      files.set(path, { bytes: Buffer.from(content), changedMs, version: versions++ })
      changed(path)
    },
    record: (path, changedMs = clock.wallMs()) => {
      self.put(path, `data of ${path}`, changedMs)
      self.put(sidecarOf(path), JSON.stringify({ name: path }), changedMs)
    },
    remove: (path) => {
      files.delete(path)
      changed(path)
    },
    mark: async () => {
      if (self.rootMark === undefined) throw unreachable()
      return self.rootMark
    },
    list: async function* (signal) {
      self.listings += 1
      signal.throwIfAborted()
      if (self.rootMark === undefined) throw unreachable()
      const sorted = sortedPaths.get(files) ?? dataPaths([...files.keys(), ...self.looks.keys()])
      sortedPaths.set(files, sorted)
      const left: Hole[] = [...self.holes].sort(comparePaths).map((below) => ({ below, code: 'EACCES' }))
      let batch: Finding[] = []
      for (const path of sorted) {
        while (left[0] !== undefined && comparePaths(left[0].below, path) <= 0) {
          if (batch.length > 0) yield batch
          batch = []
          yield left.splice(0, 1)
        }
        if (self.passedBy.has(path) || [...self.holes].some((hole) => path.startsWith(hole))) continue
        batch.push(finding(path))
        if (batch.length < BATCH) continue
        yield batch
        batch = []
        signal.throwIfAborted()
      }
      if (batch.length > 0) yield batch
      if (left.length > 0) yield left
    },
    look: async (paths) => paths.map(finding),
    content: async (path, bytesMax) => {
      self.reads += 1
      const bytes = files.get(sidecarOf(path))?.bytes
      const isThere = files.has(path) && !self.unreadable.has(path)
      const sidecar =
        bytes === undefined ? { fault: 'ENOENT' } : bytes.length > bytesMax ? { fault: 'too large' } : { bytes }
      return { ...(isThere ? {} : { dataFault: 'EACCES' }), sidecar }
    },
    hash: async (path, _bytesPerS, signal) => {
      signal.throwIfAborted()
      const bytes = files.get(path)?.bytes
      return bytes === undefined ? undefined : createHash('sha256').update(bytes).digest('hex')
    },
    watch: (each) => {
      listener = each
    },
    [Symbol.asyncDispose]: async () => {
      listener = undefined
    },
  }
  return self
}

function dataPaths(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.flatMap((path) => dataOf(path) ?? []))].sort(comparePaths)
}

function dataOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name.endsWith('.dat') && name !== '.dat') return path
  return name.endsWith('.json') && name !== '.json' ? `${path.slice(0, -5)}.dat` : undefined
}

function sidecarOf(path: string): string {
  return `${path.slice(0, -4)}.json`
}

function plainLook(file: MemoryFile | undefined): Look {
  if (file === undefined) return { kind: 'none' }
  const { bytes, changedMs, version } = file
  return {
    kind: 'file',
    size: bytes.length,
    modifiedMs: Math.floor(changedMs),
    stamp: `${bytes.length}.${changedMs}.${version}`,
  }
}

function stampOf(look: Look): string {
  return look.kind === 'file' ? look.stamp : look.kind
}
