/** Finds files that come with the package, from the sources as from `dist/`. */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = findRoot(dirname(fileURLToPath(import.meta.url)))

function findRoot(from: string): string {
  return existsSync(join(from, 'package.json')) ? from : findRoot(dirname(from))
}

export function packageFile(path: string): string {
  return join(root, path)
}

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }
  return version
}

/** A gateway's wall clock before this is unset: no reading of this software can be older. */
export const BUILT_MS = Date.UTC(2026, 10, 1)
