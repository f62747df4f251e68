/** Tables, settings, clear, and where a command meets the data. */

import { describe, expect, test } from 'vitest'
import { runClear } from '../../../services/commands/clear.ts'
import type { CliDeps, DataRequest } from '../../../services/commands/cli-declaring.ts'
import { askOrOpen, runInside } from '../../../services/commands/data-access.ts'
import { runSettings } from '../../../services/commands/settings.ts'
import { printRows, tableText } from '../../../services/commands/table.ts'
import { parseSettings } from '../../../services/core/settings.ts'
import { commandContext } from '../../support/command-context.ts'

function heard() {
  const texts: string[] = []
  const out = async (text: string): Promise<void> => {
    texts.push(text)
  }
  return { out, said: () => texts.join('') }
}

const REQUEST: DataRequest = { argv: ['proof'], files: {}, needsRunning: false }

describe('a table', () => {
  test('aligns its columns, numbers to the right, nothing after the last word', () => {
    const rows = [
      { name: 'a', count: 5, about: 'short' },
      { name: 'longer', count: 1234, about: '' },
    ]
    expect(tableText(rows)).toBe('name    count  about\na           5  short\nlonger   1234\n')
  })

  test('wraps between words where the terminal ends, in its widest column first', () => {
    const rows = [{ name: 'a', about: 'one two three four five six seven eight', count: 7 }]
    expect(tableText(rows, 36)).toBe(
      'name  about                    count\na     one two three four five      7\n      six seven eight\n',
    )
    const wide = [{ reason: 'one two three four five', cause: 'six seven eight nine ten' }]
    expect(tableText(wide, 30)).toBe(
      'reason          cause\none two three   six seven\nfour five       eight nine ten\n',
    )
  })

  test('cuts only words that are longer than any id', () => {
    expect(tableText([{ name: 'a', path: 'x'.repeat(45) }], 50)).toBe(`name  path\na     ${'x'.repeat(44)}\n      x\n`)
  })

  test('becomes a list where its columns find no room, with every word whole', () => {
    const id = '0199c0de-0000-7000-8000-000000000001'
    const rows = [
      { id, code: 'undecodable', reason: 'a b c d e f' },
      { id: 'x', code: '', reason: '' },
    ]
    expect(tableText(rows, 40)).toBe(
      `id      ${id}\ncode    undecodable\nreason  a b c d e f\n\nid      x\ncode\nreason\n`,
    )
    expect(tableText(rows, 12)).toContain(`${id}\n`)
  })

  test.each([1, 5, 20, 33, 60, 80, 200])('keeps every word of every cell, whatever the width: %i', (columns) => {
    const rows = [{ id: 'a-1', about: 'wrapped where there is no room for it', n: 12 }]
    const words = tableText(rows, columns).split(/\s+/)
    for (const word of ['a-1', ...'wrapped where there is no room for it 12'.split(' ')]) expect(words).toContain(word)
  })

  test('takes any number of rows', () => {
    const rows = Array.from({ length: 200_000 }, (_, id) => ({ id, about: 'a b' }))
    expect(tableText(rows, 80).split('\n')).toHaveLength(200_002)
  })

  test('as JSON is one document, empty or not', async () => {
    const asJson = heard()
    await printRows(asJson, [], { json: true, nothing: 'none' })
    expect(JSON.parse(asJson.said())).toEqual([])
    const asTable = heard()
    await printRows(asTable, [], { nothing: 'none' })
    expect(asTable.said()).toBe('none\n')
  })
})

describe('settings', () => {
  test('shows all of them, or everything that is wrong', async () => {
    const output = { ...heard(), columns: 100 }
    expect(await runSettings(parseSettings({ env: { TIDEMARK_HTTP_PORT: '9' } }), output, {})).toBe(0)
    expect(output.said()).toMatch(/^HTTP_PORT +9 +environment +8080 +Port of page/m)
    for (const line of output.said().split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    const wrong = parseSettings({ env: { TIDEMARK_HTTP_PORT: 'x', TIDEMARK_STORES: 'y' } })
    await expect(runSettings(wrong, output, {})).rejects.toThrow(/\n {2}TIDEMARK_HTTP_PORT: .*\n {2}TIDEMARK_STORES: /)
  })
})

describe('clear', () => {
  function tools(env: Record<string, string> = {}) {
    const parsed = parseSettings({ env: { TIDEMARK_HTTP_TOKEN: 't', ...env } })
    if (!parsed.ok) throw new TypeError(parsed.faults.join())
    const { said, out } = heard()
    const done = { cleared: 0, said }
    const clear = async () => {
      done.cleared++
      return ['journal', 'log']
    }
    return { done, tools: { settings: parsed.settings, clear, out } }
  }

  test('touches nothing without --yes', async () => {
    const { done, tools: given } = tools()
    await expect(runClear(given, {})).rejects.toMatchObject({ code: 'usage-wrong' })
    await expect(runClear(given, {})).rejects.toThrow('every reading and all else under ./data')
    expect(done.cleared).toBe(0)
  })

  test('refuses where a part of the installation stands on another engine', async () => {
    const kafka = { TIDEMARK_MESSAGE_LOG: 'kafka', TIDEMARK_KAFKA_BROKERS: 'broker:9092' }
    const { done, tools: given } = tools(kafka)
    await expect(runClear(given, { yes: true })).rejects.toThrow('came MESSAGE_LOG=kafka')
    expect(done.cleared).toBe(0)
  })

  test('says what it emptied', async () => {
    const { done, tools: given } = tools()
    expect(await runClear(given, { yes: true })).toBe(0)
    expect(done.cleared).toBe(1)
    expect(done.said()).toBe('cleared journal\ncleared log\n')
  })

  test('where other machines can reach it, its address must be named', async () => {
    const { done, tools: given } = tools({ TIDEMARK_HTTP_HOST: '10.0.0.5' })
    await expect(runClear(given, { yes: true })).rejects.toThrow('expected --host 10.0.0.5')
    await expect(runClear(given, { yes: true, host: '10.0.0.6' })).rejects.toThrow("came '10.0.0.6'")
    expect(done.cleared).toBe(0)
    expect(await runClear(given, { yes: true, host: '10.0.0.5' })).toBe(0)
  })
})

describe('a command meets the data', () => {
  async function access(remote: 0 | 1 | 2 | 3 | undefined, env: Record<string, string> = {}) {
    const events: string[] = []
    const context = await commandContext()
    const onData = askOrOpen({
      settings: async () => parseSettings({ env }),
      remote: async () => {
        events.push('asked')
        return remote
      },
      open: async () => {
        events.push('opened')
        return { ...context, [Symbol.asyncDispose]: async () => void events.push('closed') }
      },
    })
    return { events, onData }
  }

  test('in the process that holds it', async () => {
    const { events, onData } = await access(3)
    expect(await onData({}, REQUEST, async () => 0)).toBe(3)
    expect(events).toEqual(['asked'])
  })

  test('else here, and closes it whatever happens', async () => {
    const { events, onData } = await access(undefined)
    expect(await onData({}, REQUEST, async () => 1)).toBe(1)
    await expect(onData({}, REQUEST, () => Promise.reject(new TypeError('x')))).rejects.toThrow('x')
    expect(events).toEqual(['asked', 'opened', 'closed', 'asked', 'opened', 'closed'])
  })

  test('never here when it makes sense only there', async () => {
    const { events, onData } = await access(undefined)
    await expect(onData({}, { ...REQUEST, needsRunning: true }, async () => 0)).rejects.toMatchObject({
      code: 'not-running',
    })
    expect(events).toEqual(['asked'])
  })

  test('not at all with wrong settings', async () => {
    const { events, onData } = await access(0, { TIDEMARK_HTTP_PORT: 'x' })
    await expect(onData({}, REQUEST, async () => 0)).rejects.toMatchObject({ code: 'settings-invalid' })
    expect(events).toEqual([])
  })

  const unused = async (): Promise<never> => {
    throw new TypeError('not to be called')
  }
  const data: CliDeps['data'] = {
    proof: async (context) => {
      await context.out('open\n')
      return 1
    },
    verify: unused,
    recover: unused,
    writeoff: unused,
    export: unused,
  }

  test('that came over HTTP runs on what is open, with its exit code', async () => {
    const context = await commandContext()
    expect(await runInside(context, data, { argv: ['--data', 'd', 'proof'], files: {} })).toBe(1)
    expect(context.said.out).toBe('open\n')
  })

  test.each([['up'], ['recovery'], ['settings'], ['clear', '--yes'], ['--no-demo']])(
    '%s does not run from elsewhere',
    async (...argv) => {
      const context = await commandContext()
      expect(await runInside(context, data, { argv, files: {} })).toBe(2)
      expect(context.said.note).toContain('runs only in the process it was typed in')
    },
  )

  test('that came over HTTP reads only the files that came with it', async () => {
    const context = await commandContext()
    const argv = ['schemas', 'check', 'a.avsc']
    const text = '{"type":"record","name":"a","fields":[{"name":"x","type":"double"}]}'
    expect(await runInside(context, data, { argv, files: { 'a.avsc': text } })).toBe(0)
    expect(await runInside(context, data, { argv: [...argv, 'package.json'], files: { 'a.avsc': text } })).toBe(2)
    expect(context.said.note).toContain('the content of package.json did not come with the command')
  })
})
