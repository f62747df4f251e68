/** The files below one folder of this machine, local or mounted. Contract: `services/ports/file-tree.ts`. */

import { constants } from 'node:fs'
import { access, open, realpath, stat } from 'node:fs/promises'
import type { Clock } from '../../services/ports/clock.ts'
import type { Content, FileTree, Finding, Hole, Listed, TreeListener } from '../../services/ports/file-tree.ts'
import { FolderWatches } from './folder-watches.ts'
import { hashOf } from './hashing.ts'
import { lookAt } from './looking.ts'
import { type Naming, sidecarOf } from './naming.ts'
import { keyOfText, rawOfKey, systemPath, textOfKey } from './path-text.ts'
import { codeOf, unreachable, walk } from './walk.ts'

export interface FileTreeOptions extends Naming {
  /** The root. */
  readonly path: string
  readonly clock: Clock
}

/** A named pipe must not hold the reader. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK
/** Most sidecars are smaller: they are read at once. */
const FIRST_BYTES = 4 * 1024
const NEXT_BYTES = 64 * 1024

export function fileTree(options: FileTreeOptions): FileTree {
  return new LocalFileTree(options)
}

class LocalFileTree implements FileTree {
  readonly #clock: Clock
  readonly #naming: Naming
  /** Raw. */
  readonly #root: string
  #realRoot: string | undefined
  #watches: FolderWatches | undefined

  constructor({ path, clock, dataSuffix, sidecarSuffix }: FileTreeOptions) {
    this.#clock = clock
    this.#naming = { dataSuffix, sidecarSuffix }
    this.#root = Buffer.from(path.replace(/(?<=.)\/+$/, ''), 'utf8').toString('latin1')
  }

  async mark(): Promise<string> {
    const stats = await stat(systemPath(this.#root), { bigint: true }).catch((error: unknown) => codeOf(error))
    if (typeof stats === 'string') throw unreachable(this.#root, stats)
    if (!stats.isDirectory()) throw unreachable(this.#root, 'ENOTDIR')
    return `${stats.dev}:${stats.ino}`
  }

  async *list(signal: AbortSignal): AsyncGenerator<readonly Listed[]> {
    signal.throwIfAborted()
    this.#realRoot = undefined
    const [root, naming, watches] = [this.#root, this.#naming, this.#watches]
    watches?.begin()
    const entering = (folder: string): void => watches?.enter(folder)
    for await (const keys of walk({ root, naming, entering }, signal)) {
      if ('below' in keys) yield [keys satisfies Hole]
      else yield (await this.#lookAt(keys)).filter(isThere)
    }
    watches?.end()
  }

  look(paths: readonly string[]): Promise<readonly Finding[]> {
    return this.#lookAt(paths.map(keyOfText))
  }

  async content(path: string, bytesMax: number): Promise<Content> {
    const key = keyOfText(path)
    const [data, sidecar] = await Promise.all([
      access(this.#place(key), constants.R_OK).then(() => undefined, codeOf),
      readWhole(this.#place(sidecarOf(key, this.#naming)), bytesMax),
    ])
    return { ...(data === undefined ? {} : { dataFault: data }), sidecar }
  }

  hash(path: string, bytesPerS: number, signal: AbortSignal): Promise<string | undefined> {
    return hashOf(this.#place(keyOfText(path)), { bytesPerS, clock: this.#clock }, signal)
  }

  watch(listener: TreeListener): void {
    this.#watches ??= new FolderWatches({ root: this.#root, naming: this.#naming, listener })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watches?.close()
  }

  async #lookAt(keys: readonly string[]): Promise<readonly Finding[]> {
    this.#realRoot ??= await realpath(systemPath(this.#root), 'buffer').then(
      (real) => real.toString('latin1'),
      () => this.#root,
    )
    const paths = keys.flatMap((key) => [this.#raw(key), this.#raw(sidecarOf(key, this.#naming))])
    const looked = await lookAt(paths, this.#realRoot)
    return keys.map((key, i) => findingOf(textOfKey(key), looked[2 * i], looked[2 * i + 1]))
  }

  #raw(key: string): string {
    return `${this.#root}/${rawOfKey(key)}`
  }

  #place(key: string): string | Buffer {
    return systemPath(this.#raw(key))
  }
}

type Looked = Awaited<ReturnType<typeof lookAt>>[number]

const NOTHING: Looked = { look: { kind: 'none' }, stamp: '-', changedMs: 0 }

function findingOf(path: string, data = NOTHING, sidecar = NOTHING): Finding {
  return {
    path,
    data: data.look,
    sidecar: sidecar.look,
    stamp: `${data.stamp}|${sidecar.stamp}`,
    changedMs: Math.max(data.changedMs, sidecar.changedMs),
  }
}

/** Both may have gone since the folder was read. */
function isThere({ data, sidecar }: Finding): boolean {
  return data.kind !== 'none' || sidecar.kind !== 'none'
}

async function readWhole(path: string | Buffer, bytesMax: number): Promise<Content['sidecar']> {
  try {
    await using file = await open(path, READ)
    const parts: Buffer[] = []
    let bytes = 0
    for (let wanted = FIRST_BYTES; ; wanted = NEXT_BYTES) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted)
      parts.push(buffer.subarray(0, bytesRead))
      bytes += bytesRead
      if (bytes > bytesMax) return { fault: `larger than ${bytesMax} bytes` }
      // Of a plain file less than was asked for is its end.
      if (bytesRead < wanted) return { bytes: Buffer.concat(parts) }
    }
  } catch (error) {
    return { fault: codeOf(error) }
  }
}
