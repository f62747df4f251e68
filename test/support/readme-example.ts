/** The examples of the README, as they stand there. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const README = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')

/** The block after this mark. */
export function readmeExample(name: string): string {
  const [, text] = README.split(`<!-- example ${name} -->\n`)[1]?.split(/```\w*\n/) ?? []
  if (text === undefined) throw new Error(`the README has no example ${name}`)
  return text
}
