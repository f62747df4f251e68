/** How a process stands, in a file for who looks from another one: whole, or as it was before. */

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A crash may lose the newest, which is soon written again. */
export async function saveStatus(path: string, status: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const next = `${path}.${process.pid}.new`
  try {
    await writeFile(next, JSON.stringify(status), { mode: 0o600 })
    await rename(next, path)
  } finally {
    await rm(next, { force: true })
  }
}

/** `undefined` where there is none, or none that can be read. */
export async function readStatus(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
