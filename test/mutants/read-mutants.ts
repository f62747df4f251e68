/** The mutants of this folder: one replacement each that breaks the product. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFile } from '../../services/main/package-files.ts'

export interface Mutant {
  readonly id: string
  readonly why: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** The classes of verdict that it deserves; another one says that the checker mistakes one fault for another. */
  readonly verdicts: readonly string[]
  /** A longer seed that catches it, kept where the product once had this bug: the product itself must pass it ever after. */
  readonly seed?: number
}

export function readMutants(): readonly Mutant[] {
  const dir = packageFile('test/mutants')
  return readdirSync(dir)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => ({
      id: name.slice(0, -5),
      ...(JSON.parse(readFileSync(join(dir, name), 'utf8')) as Omit<Mutant, 'id'>),
    }))
}

/** A replacement that has lost its place would leave the product whole. */
export function mutated({ id, file, find, replace }: Mutant, whole: string): string {
  const matches = whole.split(find).length - 1
  if (matches !== 1) throw new Error(`${id}: expected one match in ${file}, came ${matches}; mend the mutant`)
  return whole.replace(find, () => replace)
}
