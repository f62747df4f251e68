/** What is known of every mutant without running it. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { packageFile } from '../../services/main/package-files.ts'
import { mutated, readMutants } from './read-mutants.ts'

test.each(readMutants())('$id changes one place of the product', (mutant) => {
  const whole = readFileSync(packageFile(mutant.file), 'utf8')
  expect(mutated(mutant, whole)).not.toBe(whole)
  expect(mutant.verdicts).not.toEqual([])
})

test('a mutant that has lost its place is told, not passed over', () => {
  const mutant = { id: 'm', why: '', file: 'a.ts', find: 'x', replace: 'y', verdicts: ['lost'] }
  expect(() => mutated(mutant, 'xx')).toThrow('m: expected one match in a.ts, came 2')
})
