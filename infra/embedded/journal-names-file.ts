/**
 * The copy of a journal's names in a file beside it, which is synced before a reading that needs a new name is acknowledged. The journal's file
 * has them first, so that the copy never knows a number that was not committed. Where the copy can't be written the journal goes on
 * without it, says so once, and tries again: the readings themselves are on disk.
 */

import { readFileSync } from 'node:fs'
import { constants, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type NameRow, namesText, parseNames, type ReadNames } from './journal-names.ts'
import type { WarningLog } from './journal-room.ts'

/** While the copy is owed, so many commits go by before it is tried again. */
const COMMITS_A_TRY = 100

/** Where the copy of a journal's names is kept. */
export function namesBeside(journalPath: string): string {
  return `${journalPath.replace(/\.mdb$/, '')}.names`
}

/** Undefined where there is none, or none that can be read. */
export function readNames(path: string): ReadNames | undefined {
  try {
    return parseNames(readFileSync(path))
  } catch {
    return undefined
  }
}

export class NamesFile {
  readonly #path: string
  readonly #all: () => Iterable<NameRow>
  readonly #log: WarningLog | undefined
  /** Not all names stand in the file. */
  #isOwed = false
  #isTold = false
  #commits = 0

  /** `all` gives the names as the journal's file has them. */
  constructor(path: string, all: () => Iterable<NameRow>, log?: WarningLog) {
    this.#path = path
    this.#all = all
    this.#log = log
  }

  /** Writes the copy anew unless it says what the journal's file says. */
  async open(): Promise<void> {
    this.#isOwed = !this.#isCurrent()
    if (this.#isOwed) await this.#attempt([])
  }

  /** After every commit, with the names that it added. Once it has resolved they are on disk, or owed. */
  async add(rows: readonly NameRow[]): Promise<void> {
    const isDue = this.#isOwed && this.#commits++ % COMMITS_A_TRY === 0
    if (rows.length > 0 || isDue) await this.#attempt(rows)
  }

  #isCurrent(): boolean {
    const found = readNames(this.#path)
    if (found?.isWhole !== true) return false
    const lines = new Set(found.rows.map((row) => namesText([row])))
    let count = 0
    for (const row of this.#all()) {
      if (!lines.has(namesText([row]))) return false
      count++
    }
    return count === lines.size
  }

  async #attempt(rows: readonly NameRow[]): Promise<void> {
    if (!this.#isOwed && (await append(this.#path, namesText(rows)))) return
    this.#isOwed = true
    try {
      await replace(this.#path, namesText(this.#all()))
      this.#isOwed = false
      this.#isTold = false
    } catch (error) {
      if (!this.#isTold) this.#log?.warn({ err: error, path: this.#path }, NOT_WRITTEN)
      this.#isTold = true
    }
  }
}

const NOT_WRITTEN =
  'the copy of the journal’s names could not be written: the journal goes on, but if its file is damaged, readings of newer names may be lost; it is tried again'

/** False when it is not certain that all of it is on disk: then the file is not to be used again. */
async function append(path: string, text: string): Promise<boolean> {
  try {
    await using file = await open(path, constants.O_WRONLY | constants.O_APPEND)
    await file.appendFile(text)
    await file.datasync()
    return true
  } catch {
    return false
  }
}

/** The file has its whole new content or its old one. */
async function replace(path: string, text: string): Promise<void> {
  const next = `${path}.new`
  await rm(next, { force: true })
  {
    await using file = await open(next, 'wx')
    await file.writeFile(text)
    await file.sync()
  }
  await rename(next, path)
  if (process.platform === 'win32') return
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}
