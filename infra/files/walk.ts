/** Walks a tree in the order of its paths' bytes, holding no more than the names of one folder at each depth. */

import { opendir } from 'node:fs/promises'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Hole } from '../../services/ports/file-tree.ts'
import { type Naming, namedAs } from './naming.ts'
import { keyOfRaw, rawOfKey, systemPath, textOfKey } from './path-text.ts'

export interface Walk {
  /** Raw, without a slash at its end. */
  readonly root: string
  readonly naming: Naming
  /** A key that ends in `/`, or is empty: where the walk begins. */
  readonly below?: string
  /** Told the key of every folder before its names are read. */
  entering?(folder: string): void
}

interface Folder {
  readonly key: string
  /** Keys of data files, there or implied by their sidecars, and of folders with `/` at their ends; sorted. */
  readonly names: readonly string[]
  at: number
}

const BATCH = 500
/** Directory entries the system is asked for at once. */
const ENTRIES_AT_ONCE = 1024
const VANISHED = new Set(['ENOENT', 'ENOTDIR'])

/** Keys of data files in batches, and a hole for each folder that can't be read. Throws `root-unreachable` for the first one. */
export async function* walk(
  { below = '', ...tree }: Walk,
  signal: AbortSignal,
): AsyncGenerator<readonly string[] | Hole> {
  const first = await open(tree, below)
  if ('code' in first) throw unreachable(tree.root, first.code)
  const stack: Folder[] = [first]
  let batch: string[] = []
  for (let folder = stack.at(-1); folder !== undefined; folder = stack.at(-1)) {
    const name = folder.names[folder.at++]
    if (name === undefined) stack.pop()
    else if (!name.endsWith('/')) batch.push(folder.key + name)
    else {
      signal.throwIfAborted()
      const child = await open(tree, folder.key + name)
      if ('names' in child) stack.push(child)
      else if (!VANISHED.has(child.code)) {
        if (batch.length > 0) yield batch
        batch = []
        yield { below: textOfKey(folder.key + name), code: child.code }
      }
    }
    if (batch.length < BATCH) continue
    yield batch
    batch = []
    signal.throwIfAborted()
  }
  if (batch.length > 0) yield batch
}

async function open(tree: Omit<Walk, 'below'>, key: string): Promise<Folder | { readonly code: string }> {
  try {
    tree.entering?.(key)
    return { key, names: await namesIn(systemPath(`${tree.root}/${rawOfKey(key)}`), tree.naming), at: 0 }
  } catch (error) {
    return { code: codeOf(error) }
  }
}

async function namesIn(path: string | Buffer, naming: Naming): Promise<readonly string[]> {
  const all: string[] = []
  const sidecars: string[] = []
  // Names as bytes; the types know texts alone.
  const options = { encoding: 'buffer' as BufferEncoding, bufferSize: ENTRIES_AT_ONCE }
  const folders: string[] = []
  for await (const entry of await opendir(path as string, options)) {
    const key = keyOfRaw((entry.name as unknown as Buffer).toString('latin1'))
    if (entry.isDirectory()) folders.push(`${key}/`)
    else {
      const named = namedAs(key, naming)
      if (named !== undefined) (named.isSidecar ? sidecars : all).push(named.data)
    }
  }
  all.sort()
  sidecars.sort()
  return all.concat(notIn(all, sidecars), folders).sort()
}

/** Of two sorted lists, what only the second has. */
function notIn(all: readonly string[], others: readonly string[]): string[] {
  let at = 0
  return others.filter((other) => {
    while (at < all.length && (all[at] ?? '') < other) at += 1
    return all[at] !== other
  })
}

export function unreachable(root: string, code: string): TidemarkError {
  const path = Buffer.from(root, 'latin1').toString('utf8')
  return new TidemarkError('root-unreachable', `${path}: ${code}; expected a folder that can be listed`, { path, code })
}

export function codeOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  return typeof code === 'string' ? code : String(message ?? error)
}
