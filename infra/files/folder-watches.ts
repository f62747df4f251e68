/** Events of the folders that a listing has entered. They only say where to look soon: the system may lose some without a word, and network file systems send none. */

import { type FSWatcher, lstat, watch } from 'node:fs'
import type { TreeListener } from '../../services/ports/file-tree.ts'
import { type Naming, namedAs } from './naming.ts'
import { keyOfRaw, rawOfKey, systemPath, textOfKey } from './path-text.ts'
import { codeOf, walk } from './walk.ts'

export interface WatchedTree {
  /** Raw. */
  readonly root: string
  readonly naming: Naming
  readonly listener: TreeListener
}

/** Each takes a watch of the system, of which a user may have 8,192 and more. */
const FOLDERS_MAX = 8_000

export class FolderWatches {
  readonly #tree: WatchedTree
  readonly #watches = new Map<string, FSWatcher>()
  readonly #closing = new AbortController()
  /** Entered since the last listing began. */
  #entered = new Set<string>()
  #saidFull = false

  constructor(tree: WatchedTree) {
    this.#tree = tree
  }

  /** A listing begins. */
  begin(): void {
    this.#entered = new Set()
  }

  /** A listing came to its end: what it did not enter is gone. */
  end(): void {
    for (const folder of this.#watches.keys()) if (!this.#entered.has(folder)) this.#forget(folder)
  }

  /** `folder` is a key. Before its names are read, so that nothing comes in between. */
  enter(folder: string): void {
    if (this.#closing.signal.aborted) return
    this.#entered.add(folder)
    if (this.#watches.has(folder)) return
    if (this.#watches.size >= FOLDERS_MAX) this.#full(`more than ${FOLDERS_MAX} folders`)
    else this.#watch(folder)
  }

  #watch(folder: string): void {
    try {
      const path = systemPath(`${this.#tree.root}/${rawOfKey(folder)}`)
      const watcher = watch(path as string, { encoding: 'buffer', persistent: false })
      watcher.on('change', (type, name) => this.#changed(folder, type === 'rename', name as Buffer | null))
      watcher.on('error', (error) => this.#broken(folder, error))
      this.#watches.set(folder, watcher)
    } catch (error) {
      const code = codeOf(error)
      if (code !== 'ENOENT' && code !== 'ENOTDIR') this.#full(code)
    }
  }

  close(): void {
    this.#closing.abort()
    for (const folder of [...this.#watches.keys()]) this.#forget(folder)
  }

  #changed(folder: string, cameOrWent: boolean, name: Buffer | null): void {
    if (this.#closing.signal.aborted) return
    if (name === null) this.#tree.listener.missed('an event without a name')
    else this.#changedIn(folder, cameOrWent, name)
  }

  #changedIn(folder: string, cameOrWent: boolean, name: Buffer): void {
    const key = folder + keyOfRaw(name.toString('latin1'))
    const named = namedAs(key.slice(folder.length), this.#tree.naming)
    if (named !== undefined) this.#tree.listener.seen(textOfKey(folder + named.data))
    if (!cameOrWent) return
    this.#forgetBelow(`${key}/`)
    this.#perhapsFolder(key)
  }

  /** A folder of this name that was watched is another one now, if there is one at all. */
  #forgetBelow(key: string): void {
    if (!this.#watches.has(key)) return
    for (const folder of [...this.#watches.keys()]) if (folder.startsWith(key)) this.#forget(folder)
  }

  /** Files may have come into a new folder before it was watched. */
  #perhapsFolder(key: string): void {
    lstat(systemPath(`${this.#tree.root}/${rawOfKey(key)}`), (error, stats) => {
      if (error === null && stats.isDirectory()) void this.#tellBelow(`${key}/`)
    })
  }

  async #tellBelow(below: string): Promise<void> {
    const { root, naming, listener } = this.#tree
    try {
      const entering = (folder: string): void => this.enter(folder)
      for await (const keys of walk({ root, naming, below, entering }, this.#closing.signal)) {
        if ('below' in keys) continue
        for (const key of keys) listener.seen(textOfKey(key))
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) listener.missed(codeOf(error))
    }
  }

  #broken(folder: string, error: unknown): void {
    this.#forget(folder)
    if (!this.#closing.signal.aborted) this.#tree.listener.missed(codeOf(error))
  }

  #full(reason: string): void {
    if (this.#saidFull) return
    this.#saidFull = true
    this.#tree.listener.missed(reason)
  }

  #forget(folder: string): void {
    this.#watches.get(folder)?.close()
    this.#watches.delete(folder)
  }
}
