/** Recordings on a real disk: many of them quickly, data and sidecar each. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'

const FOLDERS = 10
const AT_ONCE = 32

/** `NAME_0` to `NAME_(count-1)`, spread over some folders; their paths below the root. */
export async function recordFiles(root: string, name: string, count: number): Promise<readonly string[]> {
  const paths = Array.from({ length: count }, (_, i) => `${name}-${i % FOLDERS}/${name}_${i}.dat`)
  for (let i = 0; i < Math.min(FOLDERS, count); i++) await mkdir(join(root, `${name}-${i}`), { recursive: true })
  const limit = pLimit(AT_ONCE)
  await Promise.all(paths.map((path, i) => limit(() => recordFile(root, path, i))))
  return paths
}

async function recordFile(root: string, path: string, i: number): Promise<void> {
  await writeFile(join(root, path), `data of ${path}`)
  await writeFile(join(root, path.replace(/dat$/, 'json')), JSON.stringify({ i, site: `quay ${i % 7}` }))
}
