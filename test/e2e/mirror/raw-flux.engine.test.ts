/** The script that judges a mirror: it calls equal what is equal, and finds every kind of difference. */

import { expect, test } from 'vitest'
import { engineTests } from '../../support/engines.ts'
import { contentByFlux, differences } from './raw-flux.ts'
import { makeBucket, writeLines } from './raw-influxdb.ts'

const engines = engineTests('influxdb')
const LINES = [
  'm,a=x\\ y i=9007199254740993i,u=18446744073709551615u,f=0.1,b=true,t="one\r\ntwo" 1700000000000000001',
  'm,a=x\\ y i=9007199254740993i,u=18446744073709551615u,f=0.1,b=true,t="\\"q\\", \\\\n" 1700000000000000002',
  'm,a=z,ü=😀 g=1 -9223372036854775806',
]

/** What is done to a line, and how many fields of series differ then. */
const CHANGES: readonly (readonly [what: string, from: string, to: string, fields: number])[] = [
  ['an integer beyond 2^53 by one', '9007199254740993i', '9007199254740992i', 1],
  ['an unsigned integer by one', '18446744073709551615u', '18446744073709551614u', 1],
  ['a double by its last bit', 'f=0.1', 'f=0.10000000000000002', 1],
  ['a boolean', 'true', 'false', 1],
  ['CR LF in a text', '\r\n', '\n', 1],
  ['a backslash and an n for a line end', '\\\\n', '\n', 1],
  ['a time by a nanosecond', '1700000000000000002', '1700000000000000003', 5],
  ['the type of a number', 'g=1 ', 'g=1i ', 2],
  ['a tag', 'a=z', 'a=y', 2],
  ['a tag that is not there', 'a=z,ü=😀', 'a=z', 2],
  ['a name', 'm,a=z', 'n,a=z', 2],
  ['a point that is not there', 'u=18446744073709551615u,', '', 1],
]

engines.describe('the judge of a mirror', () => {
  test('calls a copy equal, and finds every difference', async () => {
    const server = await engines.influxdb()
    const content = async (name: string, lines: readonly string[]) => {
      await makeBucket(server, name)
      await writeLines(server, name, lines)
      return await contentByFlux(server, name)
    }
    const original = await content('original é', LINES)
    expect(original.size).toBe(6)
    expect(differences(original, await content('copy', LINES.toReversed()))).toEqual([])
    for (const [i, [what, from, to, fields]] of CHANGES.entries()) {
      const at = LINES.findIndex((line) => line.includes(from))
      const changed = LINES.map((line, each) => (each === at ? line.replace(from, to) : line))
      expect([what, differences(original, await content(`changed ${i}`, changed)).length]).toEqual([what, fields])
    }
  })
})
