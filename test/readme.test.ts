/** The README keeps pace with the code: its settings table, its links, its commands. */

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { settingsMarkdown } from '../services/core/settings.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const readme = readFileSync(`${root}README.md`, 'utf8')

test('the settings table is the one the declarations make', () => {
  const table = /<!-- settings -->\n([\s\S]*?)\n<!-- \/settings -->/.exec(readme)?.[1]
  expect(table).toBe(settingsMarkdown().trim())
})

test('every file that a promise names as its test exists', () => {
  const section = readme.slice(readme.indexOf('## What is promised'), readme.indexOf('Not promised:'))
  const named = [...section.matchAll(/`(test\/[^`]+)`/g)].map((match) => match[1] ?? '')
  expect(named.length).toBeGreaterThan(10)
  for (const path of named) expect(existsSync(root + path), path).toBe(true)
})

test('every path that the README mentions exists', () => {
  const paths = [...readme.matchAll(/`((?:schemas|topics|services|infra|test)\/[\w./-]*)`/g)].map(
    (match) => match[1] ?? '',
  )
  for (const path of paths.filter((each) => !/NAME|ENGINE/.test(each))) expect(existsSync(root + path), path).toBe(true)
})
