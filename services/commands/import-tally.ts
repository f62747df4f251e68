/** Counts what became of an import's rows and names the first ones that were refused. */

import type { SendContext } from './door-client.ts'
import { counted } from './progress-bar.ts'

export interface Tally {
  readonly rows: number
  readonly refused: number
  count(sent: { readonly accepted: number; readonly duplicates: number }): void
  refuse(line: number, code: string, reason: string): void
  /** The sum on standard output, the refusals on standard error. */
  print(): Promise<void>
}

const SHOWN = 10

export function importTally({ out, note }: SendContext, path: string): Tally {
  const sums = { accepted: 0, duplicates: 0, refused: 0 }
  const shown: string[] = []
  return {
    get rows() {
      return sums.accepted + sums.duplicates + sums.refused
    },
    get refused() {
      return sums.refused
    },
    count: ({ accepted, duplicates }) => {
      sums.accepted += accepted
      sums.duplicates += duplicates
    },
    refuse: (line, code, reason) => {
      sums.refused++
      if (shown.length < SHOWN) shown.push(`${path}:${line}: ${code}: ${reason}\n`)
    },
    print: async () => {
      for (const text of shown) note(text)
      if (sums.refused > shown.length) note(`${path}: and ${counted(sums.refused - shown.length)} more\n`)
      const { accepted, duplicates, refused } = sums
      const rows = accepted + duplicates + refused
      await out(
        `${path}: ${counted(rows)} rows: ${counted(accepted)} accepted, ${counted(duplicates)} there already, ${counted(refused)} refused\n`,
      )
    },
  }
}
