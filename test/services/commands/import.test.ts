/** An import brings every row of a file through the door once, names the rows it can't, and adds nothing at a second run. */

import { readFile, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openInputFile } from '../../../infra/input-file.ts'
import { type ImportOptions, runImport } from '../../../services/commands/import.ts'
import { sendContext } from '../../support/send-context.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const WEATHER = 'node_modules/vega-datasets/data/seattle-weather.csv'
const HOURLY = 'node_modules/vega-datasets/data/seattle-weather-hourly-normals.csv'

async function imported(content: string, options: Partial<ImportOptions> = {}, path = 'in.csv') {
  const context = sendContext({ files: { [path]: content }, chunkBytes: 7 })
  const exit = await runImport(context, {
    files: [path],
    url: 'http://door.test',
    type: 'probe',
    sensor: 's1',
    ...options,
  })
  return { exit, context, taken: context.test.journal.taken, ...context.said }
}

describe('import', () => {
  it.each([
    [WEATHER, 'weather', 1_461, '2012-01-01T00:00:00Z'],
    [HOURLY, 'temperature', 8_759, '2010-01-01T01:00:00Z'],
  ])('brings all of %s, and a second run nothing', async (path, type, rows, first) => {
    const context = { ...sendContext(), openFile: openInputFile }
    const options = { files: [path], url: 'http://door.test', type, sensor: 'seattle' }
    expect(await runImport(context, options)).toBe(0)
    const { taken } = context.test.journal
    expect(taken).toHaveLength(rows)
    expect(taken[0]?.time).toEqual({ ms: Date.parse(first), ns: 0 })
    expect(await runImport(context, options)).toBe(0)
    expect(taken).toHaveLength(rows)
    expect(context.said.out).toContain('0 accepted')
    expect(context.said.note).toContain('column date')
  })

  it('brings exactly the cells of the file', async () => {
    const context = { ...sendContext(), openFile: openInputFile }
    await runImport(context, { files: [WEATHER], url: 'http://door.test', type: 'weather', sensor: 'seattle' })
    const [header = '', ...lines] = (await readFile(WEATHER, 'utf8')).trim().split('\n')
    const names = header.split(',').slice(1)
    const expected = lines.map((line) => {
      const [date = '', ...cells] = line.split(',')
      const values = cells.map((cell, i) => [names[i], names[i] === 'weather' ? cell : Number(cell)])
      return { ms: Date.parse(date), values: Object.fromEntries(values) as unknown }
    })
    expect(context.test.journal.taken.map(({ time, values }) => ({ ms: time?.ms, values }))).toEqual(expected)
  })

  it('reads a packed file by its content', async () => {
    await using dir = await temporaryDir()
    await writeFile(`${dir.path}/log`, gzipSync('time,level\n2024-01-01,1\n2024-01-02,-0\n'))
    const context = { ...sendContext(), openFile: openInputFile }
    const options = { files: [`${dir.path}/log`], url: 'http://door.test', type: 'probe', sensor: 's1' }
    expect(await runImport(context, options)).toBe(0)
    expect(context.test.journal.taken.map(({ values }) => values.level)).toEqual([1, -0])
    await writeFile(`${dir.path}/log`, gzipSync('time,level\n2024-01-01,1\n'.repeat(1_000)).subarray(0, 60))
    await expect(runImport(context, options)).rejects.toMatchObject({ code: 'usage-wrong' })
    await expect(runImport(context, { ...options, files: [dir.path] })).rejects.toThrow(/directory/)
    await expect(runImport(context, { ...options, files: ['/nowhere'] })).rejects.toThrow(/no such file/)
  })

  it('names the rows it refuses by line and reason, and keeps their neighbours', async () => {
    const { exit, taken, note, out } = await imported(
      'time,level,raw\n2024-01-01,1,7\n,2,\n2024-01-03,high,\nlater,4,\n2024-01-05,5\n2024-01-06,6,9007199254740993\n2024-01-07,,3\n"2024-01-08,8,\n2024-01-09,9,1e2\n',
    )
    expect(exit).toBe(1)
    expect(taken.map(({ values }) => values)).toEqual([
      { level: 1, raw: 7n },
      { level: 9, raw: 100n },
    ])
    expect(note).toMatch(/in.csv:3: time-missing/)
    expect(note).toMatch(/in.csv:4: value-wrong-type/)
    expect(note).toMatch(/in.csv:5: time-invalid/)
    expect(note).toMatch(/in.csv:6: row-invalid/)
    expect(note).toMatch(/in.csv:7: integer-too-large/)
    expect(note).toMatch(/in.csv:8: field-missing/)
    expect(note).toMatch(/in.csv:9: row-invalid/)
    expect(out).toBe('in.csv: 9 rows: 2 accepted, 0 there already, 7 refused\n')
  })

  it('shows ten refusals and counts the others', async () => {
    const { note } = await imported(`time,level\n${'2024-01-01,x\n'.repeat(25)}`)
    expect(note.match(/value-wrong-type/g)).toHaveLength(10)
    expect(note).toContain('and 15 more')
  })

  it('takes sensors and labels from columns, and says the zone once', async () => {
    const { taken, note } = await imported(
      'station,room,date,level,junk\nnorth,a b,2024-07-01 12:00,1,x\nSouth Gate,,2024-07-01 12:00,2,y\n',
      {
        sensor: undefined,
        sensorColumn: 'station',
        labelColumns: ['room'],
        skipColumns: ['junk'],
        tz: 'Europe/Berlin',
      },
    )
    expect(taken.map(({ sensor, labels }) => [sensor, labels])).toEqual([
      ['north', { room: 'a b' }],
      ['sensor=South%20Gate', {}],
    ])
    expect(taken[0]?.time?.ms).toBe(Date.UTC(2024, 6, 1, 10))
    expect(note.match(/Europe\/Berlin/g)).toHaveLength(1)
  })

  it('decides by the first rows what a column of an undeclared type holds', async () => {
    const { exit, taken, note } = await imported(
      'time,n,zip,on,word\n2024-01-01,1,01234,true,5a\n2024-01-02,-2.5e1,98101,False,6\n2024-01-03,,,,\n2024-01-04,1,,true,""\n',
      { type: 'free' },
    )
    expect(taken.map(({ values }) => values)).toEqual([
      { n: 1, zip: '01234', on: true, word: '5a' },
      { n: -25, zip: '98101', on: false, word: '6' },
      { n: 1, on: true, word: '' },
    ])
    expect([exit, note]).toEqual([1, expect.stringContaining('in.csv:4: values-empty')])
  })

  it('keeps two rows of one instant that differ', async () => {
    const { taken, out } = await imported('time,level\n2024-01-01,1\n2024-01-01,2\n2024-01-01,1\n')
    expect(taken.map(({ values }) => values.level)).toEqual([1, 2])
    expect(out).toContain('2 accepted, 1 there already')
  })

  it('takes NDJSON of whole readings and of flat rows', async () => {
    const whole =
      '{"gateway":"g","type":"probe","sensor":"a","time":"2024-01-01T00:00:00.000000001Z","values":{"level":-0.0,"raw":5}}'
    const flat = '{"ts":1704067200,"level":2,"note":null}'
    const { exit, taken, note } = await imported(
      `${whole}\n\n${flat}\n{broken\n[1]\n{"ts":1,"level":1e999}\n`,
      {},
      'in.ndjson',
    )
    expect(exit).toBe(1)
    expect(taken).toEqual([
      {
        type: 'probe',
        sensor: 'a',
        labels: {},
        time: { ms: Date.UTC(2024, 0, 1), ns: 1 },
        values: { level: -0, raw: 5n },
      },
      { type: 'probe', sensor: 's1', labels: {}, time: { ms: Date.UTC(2024, 0, 1), ns: 0 }, values: { level: 2 } },
    ])
    expect(note).toMatch(/:4: not-json[\s\S]*:5: not-json/)
    expect(note).toMatch(/:6: value-not-finite/)
  })

  it('takes line protocol with its types, and no line without a time', async () => {
    const { taken, note } = await imported(
      '# comment\nfree,host=a n=1i,s="two\nlines" 1704067200000000000\nfree n=2i\nfree n=x 5\n',
      { type: undefined, sensor: undefined },
      'in.lp',
    )
    expect(taken).toEqual([
      {
        type: 'free',
        sensor: 'host=a',
        labels: { host: 'a' },
        time: { ms: Date.UTC(2024, 0, 1), ns: 0 },
        values: { n: 1n, s: 'two\nlines' },
      },
    ])
    expect(note).toMatch(/in.lp:4: time-missing[\s\S]*in.lp:5: line-invalid/)
  })

  it('names refused rows by their line also when a batch had to be sent in halves', async () => {
    const context = sendContext({
      files: { 'in.csv': `time,n\n${Array.from({ length: 9 }, (_, i) => `${i},${i}\n`).join('')}9,\n` },
    })
    context.instead.push({ status: 413, headers: {}, body: '{}' })
    await runImport(context, { files: ['in.csv'], url: 'x', type: 'free', sensor: 's1' })
    expect(context.posts).toHaveLength(3)
    expect(context.test.journal.taken).toHaveLength(9)
    expect(context.said.note).toContain('in.csv:11: values-empty')
  })

  it('names lines of line protocol that only the door refuses by their place in the file', async () => {
    const { note, out } = await imported('free s="a\nb" 1\nprobe depth=1 2\nfree n=1 3\n', {}, 'in.lp')
    expect(note).toContain('in.lp:3: field-unknown')
    expect(out).toContain('2 accepted, 0 there already, 1 refused')
  })

  it.each([
    ['no type', { type: undefined }, /--type/],
    ['no sensor', { sensor: undefined }, /--sensor/],
    ['a time column that is not there', { timeColumn: 'when' }, /there are time, level, depth/],
    ['a column the type has not', {}, /depth.*--skip-column/],
    ['an unknown zone', { tz: 'Mars/Olympus' }, /time zone/],
    ['an unknown precision', { precision: 'weeks' }, /--precision/],
  ])('says what is wrong with %s before anything is sent', async (_, options, message) => {
    const context = sendContext({ files: { 'in.csv': 'time,level,depth\n2024-01-01,1,2\n' } })
    const given = { files: ['in.csv'], url: 'x', type: 'probe', sensor: 's1', ...options }
    await expect(runImport(context, given)).rejects.toThrow(message)
    expect(context.posts).toEqual([])
  })

  it('says that a file is not text', async () => {
    const context = sendContext({ files: { 'in.csv': new Uint8Array([0x74, 0xff, 0xfe]) } })
    await expect(runImport(context, { files: ['in.csv'], url: 'x', type: 'probe', sensor: 's' })).rejects.toThrow(
      /UTF-8/,
    )
  })

  it('stops when it is told to, and says how far it came', async () => {
    const stop = new AbortController()
    const context = sendContext({
      files: { 'in.csv': `time,level\n${'2024-01-01,1\n'.repeat(5_000)}` },
      signal: stop.signal,
    })
    context.instead.push({ status: 503, headers: { 'retry-after': '1' }, body: '{"reason":"full"}' })
    const { clock } = context
    const sleep: typeof clock.sleep = async (ms, signal) => {
      stop.abort()
      await clock.sleep(ms, signal)
    }
    const options = { files: ['in.csv'], url: 'x', type: 'probe', sensor: 's' }
    const running = runImport({ ...context, clock: { ...clock, sleep } }, options)
    await expect(running).rejects.toThrow()
    expect(context.said.out).toContain('0 accepted')
  })
})
