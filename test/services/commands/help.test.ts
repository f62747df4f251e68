/** Every command explains itself within 80 columns, and says what was expected when it is used wrongly. */

import { describe, expect, test } from 'vitest'
import { cliRecorder } from '../../support/cli-recorder.ts'

/** One wrong use of each command, and what came. */
const WRONG: Readonly<Record<string, readonly [came: string, ...argv: string[]]>> = {
  up: ["'soon'", '--for', 'soon'],
  gateway: ["'http'", '--port', 'http'],
  recovery: ["'70000'", '--port', '70000'],
  sink: ["'--store <store>' not specified"],
  status: ["'-p'", '-p', '80'],
  generate: ["'fast'", '--rate', 'fast'],
  import: ["'xml'", 'a.csv', '--format', 'xml'],
  settings: ["'--yaml'", '--yaml'],
  clear: ['got 1', 'everything', '--yes'],
  link: ["'snip'", 'snip', 'shed'],
  proof: ["'1 hour'", '--wait', '1 hour'],
  verify: ["'yesterday'", '--from', 'yesterday'],
  recover: ["'noon'", 'shed', '--from', 'noon', '--to', '1'],
  writeoff: ["'all'", 'shed', '--epoch', 'e', '--ranges', 'all', '--reason', 'r'],
  replay: ["'latest'", '--store', 'embedded', '--to', 'latest'],
  export: ["'x y'", '--store', 'embedded', '--type', 'x y'],
  'stores list': ['got 1', 'mongodb'],
  'stores renew': ["'store'"],
  'quarantine list': ["'--all'", '--all'],
  'quarantine show': ["'id'"],
  'quarantine redrive': ['neither'],
  'quarantine discard': ['both', 'x', '--all'],
  'topics list': ["'--topic'", '--topic', 'x'],
  'topics apply': ['got 1', 'readings'],
  'schemas list': ['got 1', 'x'],
  'schemas check': ["'--json'", '--json'],
  'schemas register': ['got 1', 'x.avsc'],
  doctor: ["'--fix'", '--fix'],
  indexer: ["'70000'", '--port', '70000'],
  'alerts list': ['got 1', 'open'],
  'alerts test': ["'--all'", '--all'],
  'indexer reconcile': ["'a b'", '--accept-gone', 'a b'],
  mirror: ["'70000'", '--port', '70000'],
  'mirror verify': ["'--yaml'", '--yaml'],
  completion: ["'tcsh'", 'tcsh'],
}

const GROUPS = ['stores', 'quarantine', 'topics', 'schemas', 'indexer', 'alerts', 'mirror']
/** Groups that do something by themselves. */
const ACTING = ['indexer', 'mirror']

async function helpOf(...path: readonly string[]): Promise<string> {
  const { run, said, calls } = cliRecorder()
  expect(await run(...path, '--help')).toBe(0)
  expect(said.note).toBe('')
  expect(calls).toEqual([])
  return said.out
}

/** Entries of a section, one line each. */
function entriesOf(help: string, section: string): readonly string[] {
  const text = new RegExp(`^${section}:\\n((?: .*\\n)+)`, 'm').exec(help)?.[1] ?? ''
  return text
    .replace(/\n {4,}(?=\S)/g, ' ')
    .split('\n')
    .filter((line) => line !== '')
}

/** What stands in a help as a command, but the help itself. */
function namesIn(help: string): readonly string[] {
  return entriesOf(help, 'Commands').flatMap((line) => /^ {2}(?!help)([a-z]+)/.exec(line)?.[1] ?? [])
}

test('every command is in the table of this test', async () => {
  const top = namesIn(await helpOf())
  const grouped = await Promise.all(
    GROUPS.map(async (group) => namesIn(await helpOf(group)).map((name) => `${group} ${name}`)),
  )
  const all = [...top.filter((name) => !GROUPS.includes(name) || ACTING.includes(name)), ...grouped.flat()]
  expect(Object.keys(WRONG).toSorted()).toEqual(all.toSorted())
})

describe.each([...new Set(['', ...GROUPS, ...Object.keys(WRONG)])])('tidemark %s', (path) => {
  const words = path.split(' ').filter((word) => word !== '')

  test('--help fits 80 columns, and names every option and argument with a sentence', async () => {
    const help = await helpOf(...words)
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    const options = entriesOf(help, 'Options')
    expect(options.length).toBeGreaterThan(0)
    for (const entry of [...options, ...entriesOf(help, 'Arguments'), ...entriesOf(help, 'Global Options')]) {
      expect(entry).toMatch(/^ {2}(-\w, )?(--)?[\w-]+( <\S+>)? +[A-Z].*\.( \((choices|default): .*\))*$/)
    }
  })
})

describe('every command', () => {
  test.each(Object.keys(WRONG))('%s --help ends with examples and exit codes', async (path) => {
    const help = await helpOf(...path.split(' '))
    expect(entriesOf(help, 'Examples')[0]).toMatch(new RegExp(`^ {2}tidemark ${path}`))
    const codes = entriesOf(help, 'Exit codes')
    expect(codes.map((line) => line.slice(0, 5))).toEqual(['  0  ', '  1  ', '  2  ', '  3  '].slice(0, codes.length))
    expect(codes.length).toBeGreaterThanOrEqual(3)
  })
})

describe('one wrong use of each', () => {
  test.each(Object.entries(WRONG))('%s: %j', async (path, [came, ...argv]) => {
    const { run, said, calls } = cliRecorder()
    expect(await run(...path.split(' '), ...argv)).toBe(2)
    expect(said.note).toMatch(/^error: /)
    expect(said.note.match(/^error: /gm)).toHaveLength(1)
    expect(said.note).toContain(came)
    expect(said.note).toContain(`Expected: tidemark ${path} [options]`)
    expect(said.note).toContain(`See 'tidemark ${path} --help'.`)
    expect(said.out).toBe('')
    expect(calls).toEqual([])
  })
})

test('a file that can not be read is wrong usage, without a trace of the code', async () => {
  const unreadable = async (path: string): Promise<never> => {
    throw new TypeError(`no such file or directory, open '${path}'`)
  }
  const { run, said } = cliRecorder({ readText: unreadable })
  expect(await run('schemas', 'check', 'tide.avsc')).toBe(2)
  expect(said.note).toBe(
    "error: the command was used wrongly: expected a file that can be read, came tide.avsc: no such file or directory, open 'tide.avsc'\n",
  )
})
