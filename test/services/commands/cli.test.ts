/** The command line without processes: what each command hands over, what help and wrong usage say, and the exit codes. */

import { describe, expect, test } from 'vitest'
import { TidemarkError } from '../../../services/core/errors.ts'
import { cliRecorder } from '../../support/cli-recorder.ts'

/** Every command there is, with the least it needs. */
const COMMANDS: readonly (readonly string[])[] = [
  ['up'],
  ['gateway'],
  ['recovery'],
  ['sink', '--store', 'mongodb'],
  ['status'],
  ['indexer'],
  ['indexer', 'reconcile'],
  ['mirror'],
  ['mirror', 'verify'],
  ['alerts', 'list'],
  ['alerts', 'test'],
  ['generate'],
  ['import', 'a.csv', '--type', 't', '--sensor', 's'],
  ['export', '--store', 'embedded'],
  ['link', 'cut', 'g'],
  ['proof'],
  ['verify'],
  ['recover', 'g', '--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z'],
  ['writeoff', 'g', '--epoch', 'e', '--ranges', '1-2', '--reason', 'r'],
  ['stores', 'list'],
  ['stores', 'renew', 'embedded'],
  ['replay', '--store', 'embedded', '--to', 'earliest'],
  ['quarantine', 'list'],
  ['quarantine', 'show', 'id'],
  ['quarantine', 'redrive', '--all'],
  ['quarantine', 'discard', 'id'],
  ['topics', 'list'],
  ['topics', 'apply'],
  ['schemas', 'list'],
  ['schemas', 'check'],
  ['schemas', 'register'],
  ['settings'],
  ['clear'],
  ['doctor'],
]

describe('the command line', () => {
  test.each(COMMANDS.map((argv) => [argv.join(' '), argv] as const))('%s is a command', async (_, argv) => {
    const { run, calls, said } = cliRecorder()
    expect([0, 3]).toContain(await run(...argv))
    expect(calls.length).toBeGreaterThan(0)
    expect(said.note).toBe('')
  })

  test.each(COMMANDS.map((argv) => [argv.filter((word) => /^[a-z]+$/.test(word))]))(
    '%j --help describes it in one sentence and shows examples',
    async (argv) => {
      const words = ['stores', 'quarantine', 'topics', 'schemas', 'alerts'].includes(argv[0] ?? '')
        ? argv.slice(0, 2)
        : argv.slice(0, 1)
      const { run, said, calls } = cliRecorder()
      expect(await run(...words, '--help')).toBe(0)
      expect(said.out).toContain(`Usage: tidemark ${words.join(' ')}`)
      expect(said.out).toMatch(/\n\n[A-Z][\s\S]*?\.\n/)
      expect(said.out).toContain(`Examples:\n  tidemark ${words.join(' ')}`)
      expect(said.out).toContain('--config <file>')
      expect(said.note).toBe('')
      expect(calls).toEqual([])
    },
  )

  test('--help names every command', async () => {
    const { run, said } = cliRecorder()
    expect(await run('--help')).toBe(0)
    for (const [word = ''] of COMMANDS) expect(said.out).toMatch(new RegExp(`^  ${word}\\b`, 'm'))
  })

  test('--version says the version', async () => {
    const { run, said } = cliRecorder()
    expect(await run('--version')).toBe(0)
    expect(said.out).toBe('1.2.3\n')
  })

  test.each([
    [[], { demo: true }, {}],
    [['--no-demo'], { demo: false }, {}],
    [['--data', 'd', '--port', '0', '--for', '30s'], { demo: true, port: '0', forMs: 30_000 }, { data: 'd' }],
    [['--config', 'up.yaml'], { demo: true }, { config: 'up.yaml' }],
    [['--config', 'c.yaml', 'up'], { demo: true }, { config: 'c.yaml' }],
  ])('without a command it is up: %j', async (argv, options, given) => {
    const { run, calls } = cliRecorder()
    expect(await run(...argv)).toBe(0)
    expect(calls).toEqual([{ name: 'up', given, options }])
  })

  test.each([
    [['gateway', '--data', 'd', '--port', '0'], { service: 'gateway', port: '0' }, { data: 'd' }],
    [['recovery'], { service: 'recovery' }, {}],
    [['sink', '--store', 'mongodb'], { service: 'sink', store: 'mongodb' }, {}],
    [['status', '--config', 'c.yaml'], { service: 'status' }, { config: 'c.yaml' }],
    [['indexer', '--port', '1'], { service: 'indexer', port: '1' }, {}],
  ])('%j runs one service', async (argv, options, given) => {
    const { run, calls } = cliRecorder()
    expect(await run(...argv)).toBe(0)
    expect(calls).toEqual([{ name: 'service', given, options }])
  })

  test('a sink without its store is wrong usage', async () => {
    const { run, calls } = cliRecorder()
    expect(await run('sink')).toBe(2)
    expect(calls).toEqual([])
  })

  test('the data directory and the settings file may be named before or after the command', async () => {
    for (const argv of [
      ['--data', 'd', '--config', 'c', 'proof'],
      ['proof', '--data', 'd', '--config', 'c'],
    ]) {
      const { run, calls } = cliRecorder()
      expect(await run(...argv)).toBe(argv[0] === 'proof' ? 3 : 0)
      expect(calls[0]).toMatchObject({ name: 'onData', given: { data: 'd', config: 'c' }, request: { argv } })
    }
  })

  test.each([
    [['proof', '--wait', '60s', '--json'], { json: true, waitMs: 60_000 }],
    [['proof'], {}],
    [['verify', '--from', '2026-03-01', '--gateway', 'g'], { from: '2026-03-01', gateway: 'g' }],
    [['recover', 'g', '--from', '1', '--to', '2'], { gateway: 'g', from: '1', to: '2' }],
    [
      ['writeoff', 'g', '--epoch', 'e', '--ranges', '1-2,7', '--reason', 'disk burnt'],
      { gateway: 'g', epoch: 'e', ranges: '1-2,7', reason: 'disk burnt' },
    ],
    [['export', '--store', 's'], { store: 's', format: 'csv' }],
    [
      ['export', '--store', 's', '--format', 'lp', '--type', 't', '--from', '0', '--to', '2026-03-01'],
      { store: 's', format: 'lp', type: 't', from: '0', to: '2026-03-01' },
    ],
  ])('%j hands over its options, and the exit code back', async (argv, options) => {
    const { run, calls } = cliRecorder()
    expect(await run(...argv)).toBe(3)
    expect(calls.at(-1)).toEqual({ name: argv[0], options })
  })

  test.each([
    [['generate', '--rate', '500/s', '--seed', '7'], { ratePerS: 500, seed: 7 }],
    [['generate', '--gateways', '2', '--sensors', '3', '--count', '10'], { gateways: 2, sensors: 3, count: 10 }],
    [
      ['import', 'a', 'b', '--type', 't', '--sensor-column', 'c', '--time-column', 'at', '--tz', 'Europe/Berlin'],
      { files: ['a', 'b'], type: 't', sensorColumn: 'c', timeColumn: 'at', tz: 'Europe/Berlin' },
    ],
    [
      ['import', 'a', '--label-column', 'x', '--skip-column', 'y', '--skip-column', 'z', '--date-order', 'dmy'],
      { files: ['a'], labelColumns: ['x'], skipColumns: ['y', 'z'], dateOrder: 'dmy' },
    ],
    [['clear', '--yes', '--host', 'h'], { yes: true, host: 'h' }],
    [['settings', '--json'], { json: true }],
  ])('%j runs here', async (argv, options) => {
    const { run, calls } = cliRecorder()
    expect(await run(...argv)).toBe(0)
    expect(calls).toEqual([{ name: argv[0], given: {}, options }])
  })

  test('the files a command names are read where it was typed', async () => {
    const { run, calls } = cliRecorder()
    expect(await run('schemas', 'check', 'a.avsc', 'b.avsc')).toBe(0)
    expect(calls[0]?.request?.files).toEqual({ 'a.avsc': 'content of a.avsc', 'b.avsc': 'content of b.avsc' })
  })

  test('only link needs the running process', async () => {
    for (const argv of COMMANDS) {
      const { run, calls } = cliRecorder()
      await run(...argv)
      const request = calls.find(({ name }) => name === 'onData')?.request
      if (request !== undefined) expect([argv[0], request.needsRunning]).toEqual([argv[0], argv[0] === 'link'])
    }
  })
})

describe('wrong usage exits with 2 and says what was expected', () => {
  test.each([
    [['proff'], "unknown command 'proff'", 'Did you mean proof'],
    [['proff', '--json'], "unknown command 'proff'", 'tidemark --help'],
    [['proof', '--jsn'], "unknown option '--jsn'", 'Expected: tidemark proof [options]'],
    [['proof', '--wait', 'long'], 'Expected a duration such as', 'tidemark proof --help'],
    [['proof', 'local'], 'too many arguments', 'Expected: tidemark proof [options]'],
    [
      ['recover', '--from', '1', '--to', '2'],
      "missing required argument 'gateway'",
      'Expected: tidemark recover [options] <gateway>',
    ],
    [['recover', 'g', '--to', '1'], "required option '--from <time>' not specified", 'tidemark recover'],
    [['recover', 'g', '--from', 'noon', '--to', '1'], 'Expected a time such as', 'noon'],
    [['writeoff', 'g', '--epoch', 'e', '--ranges', '5-1', '--reason', 'r'], 'Expected ranges of positions', "'5-1'"],
    [['link', 'snip', 'g'], 'Allowed choices are cut, restore', 'tidemark link'],
    [['link', 'cut', 'no such'], 'Expected a name', "'no such'"],
    [['stores'], 'list', 'renew'],
    [['stores', 'lst'], "unknown command 'lst'", 'Expected: tidemark stores'],
    [['quarantine', 'redrive'], "expected either ids or '--all'", 'tidemark quarantine redrive'],
    [['quarantine', 'discard', 'x', '--all'], "expected either ids or '--all'", ''],
    [['replay', '--store', 's', '--to', 'latest'], "Expected 'earliest', or a time such as", ''],
    [['import', '--type', 't', '--sensor', 's'], "missing required argument 'file'", ''],
    [['import', 'f', '--format', 'xml'], 'Allowed choices are csv, ndjson, lp', ''],
    [['import', 'f', '--type', 't', '--sensor', 's', '--sensor-column', 'c'], 'cannot be used with', ''],
    [['generate', '--start', 'noon'], 'Expected a time such as', ''],
    [['generate', '--rate', '0'], 'Expected a rate such as 100/s', ''],
    [['generate', '--url', 'localhost'], 'Expected an address such as', ''],
    [['up', '--port', '70000'], 'Expected a port from 0 to 65535', ''],
    [['export'], "required option '--store <store>' not specified", 'tidemark export [options] --store …'],
    [['export', '--store', 's', '--format', 'xml'], 'Allowed choices are csv, ndjson, lp', ''],
    [['verify', '--from', '2026-02-30'], 'Expected a day such as', ''],
  ])('%j', async (argv, first, second) => {
    const { run, said, calls } = cliRecorder()
    expect(await run(...argv)).toBe(2)
    expect(said.note).toContain(first)
    expect(said.note).toContain(second)
    expect(said.out).toBe('')
    expect(calls).toEqual([])
  })
})

describe('what goes wrong', () => {
  test.each([
    [new TidemarkError('usage-wrong', 'expected --yes'), 2, 'error: the command was used wrongly: expected --yes\n'],
    [new TidemarkError('settings-invalid', 'x'), 2, 'error: settings are wrong: x\n'],
    [new TidemarkError('data-locked', 'pid 7'), 1, /^error: another process holds the data directory.*pid 7\n$/],
    [new TypeError('x is not a function'), 1, /^error: x is not a function\nTypeError: x is not a function\n +at /],
    ['text', 1, 'error: text\n'],
  ])('%s ends with its exit code and a sentence', async (fails, code, sentence) => {
    const { run, said } = cliRecorder({ fails })
    expect(await run('up')).toBe(code)
    if (typeof sentence === 'string') expect(said.note).toBe(sentence)
    else expect(said.note).toMatch(sentence)
  })

  test('after Ctrl-C it only says that it was interrupted', async () => {
    const { run, said } = cliRecorder({ fails: new TypeError('aborted'), signal: AbortSignal.abort() })
    expect(await run('up')).toBe(1)
    expect(said.note).toBe('interrupted\n')
  })
})
