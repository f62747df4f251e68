/** An export gives every reading back as it is held: integers, the last digit of doubles, −0, nanoseconds. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { embeddedLedgerStore } from '../../../infra/embedded/ledger-store.ts'
import { systemClock } from '../../../infra/system.ts'
import type { Epoch, GatewayId, Labels, Values } from '../../../schemas/reading.ts'
import { parseInstant } from '../../../schemas/time.ts'
import { type ExportContext, runExport } from '../../../services/commands/export.ts'
import { runImport } from '../../../services/commands/import.ts'
import { CsvRows } from '../../../services/commands/import-csv.ts'
import { LineFault, parseLine } from '../../../services/core/line-protocol.ts'
import { parseSettings } from '../../../services/core/settings.ts'
import type { Offer } from '../../../services/ports/journal.ts'
import type { ReadingFilter, ReadingStore, StoredReading } from '../../../services/ports/reading-store.ts'
import { TEST_TYPES } from '../../support/door.ts'
import { memoryKv } from '../../support/memory-kv.ts'
import { sendContext } from '../../support/send-context.ts'

interface Exported extends ExportContext {
  readonly said: { out: string; note: string }
  readonly filters: ReadingFilter[]
}

function stored(offer: {
  sensor?: string
  type?: string
  values: Values
  labels?: Labels
  ms?: number
  ns?: number
}): StoredReading {
  const { sensor = 's1', type = 'free', values, labels = {}, ms = 0, ns = 0 } = offer
  const rest = { seq: 1, bumpNs: 0, estimated: false, digest: new Uint8Array(16) }
  return {
    gateway: 'g1' as GatewayId,
    epoch: '0123456789abcdef' as Epoch,
    reading: { type, sensor, labels, ms, ns, values, ...rest },
    source: 'live',
  }
}

function exporting(batches: readonly (readonly StoredReading[])[]): Exported {
  const said = { out: '', note: '' }
  const filters: ReadingFilter[] = []
  const parsed = parseSettings({ env: {} })
  if (!parsed.ok) throw new TypeError(parsed.faults.join())
  const store: Pick<ReadingStore, 'name' | 'read'> = {
    name: 'embedded',
    read: async function* (filter) {
      filters.push(filter)
      yield* batches
    },
  }
  return {
    said,
    filters,
    stores: new Map([['embedded', store as ReadingStore]]),
    types: TEST_TYPES,
    signal: new AbortController().signal,
    out: async (text) => {
      said.out += text
    },
    note: (text) => {
      said.note += text
    },
    clock: systemClock,
    ledger: embeddedLedgerStore(memoryKv()),
    settings: parsed.settings,
    terminal: false,
  }
}

const EXACT = stored({
  values: { d: 0.1 + 0.2, i: 9_007_199_254_740_991n, z: -0, w: 5, b: true, s: 'a "q",\n', e: '' },
  labels: { room: 'x y' },
  ms: Date.UTC(2024, 0, 1),
  ns: 7,
})

describe('export', () => {
  it('writes CSV with a column for every label and field of any reading', async () => {
    const context = exporting([[EXACT], [stored({ values: { other: 1 } })]])
    expect(await runExport(context, { store: 'embedded' })).toBe(0)
    expect(context.said.out).toBe(
      'gateway,type,sensor,time,label:room,b,d,e,i,other,s,w,z\n' +
        'g1,free,s1,2024-01-01T00:00:00.000000007Z,x y,true,0.30000000000000004,"",9007199254740991,,"a ""q"",\n",5,-0\n' +
        'g1,free,s1,1970-01-01T00:00:00Z,,,,,,1,,,\n',
    )
  })

  it('writes the fields of a declared type in the order of its schema, used or not', async () => {
    const context = exporting([[stored({ type: 'probe', values: { note: 'x', level: 1 } })]])
    await runExport(context, { store: 'embedded', type: 'probe' })
    expect(context.said.out.split('\n').slice(0, 2)).toEqual([
      'gateway,type,sensor,time,level,raw,low,note',
      'g1,probe,s1,1970-01-01T00:00:00Z,1,,,x',
    ])
  })

  it('writes NDJSON in which doubles and integers stay apart', async () => {
    const context = exporting([[EXACT]])
    await runExport(context, { store: 'embedded', format: 'ndjson' })
    expect(context.said.out).toBe(
      '{"gateway":"g1","type":"free","sensor":"s1","time":"2024-01-01T00:00:00.000000007Z","values":{"d":0.30000000000000004,"i":9007199254740991,"z":-0.0,"w":5.0,"b":true,"s":"a \\"q\\",\\n","e":""},"labels":{"room":"x y"}}\n',
    )
  })

  it('writes line protocol that reads back as it was, and says what that can not carry', async () => {
    const context = exporting([[EXACT, stored({ values: { a: 1 }, labels: { dir: 'C:\\' } })]])
    expect(await runExport(context, { store: 'embedded', format: 'lp' })).toBe(1)
    const point = parseLine(context.said.out.slice(0, -1), 'ns')
    if (point instanceof LineFault) throw new TypeError(point.reason)
    expect(point).toEqual({
      series: 'free,gateway=g1,sensor=s1,room=x\\ y',
      fields: EXACT.reading.values,
      time: { ms: EXACT.reading.ms, ns: 7 },
    })
    expect(context.said.note).toMatch(/g1\/free\/s1.*backslash/)
  })

  it('asks the store for just what was asked of it', async () => {
    const context = exporting([])
    const options = { type: 'probe', gateway: 'g1', sensor: 's', from: '2024-01-01', to: '2024-01-02T00:00:00.5Z' }
    await runExport(context, { store: 'embedded', format: 'ndjson', ...options })
    const from = { ms: Date.UTC(2024, 0, 1), ns: 0 }
    const to = { ms: Date.UTC(2024, 0, 2) + 500, ns: 0 }
    expect(context.filters).toEqual([{ type: 'probe', gateway: 'g1', sensor: 's', from, to }])
  })

  it('names the stores there are, and refuses a time without a zone', async () => {
    await expect(runExport(exporting([]), { store: 'mongodb' })).rejects.toThrow(/embedded/)
    const from = '2024-01-01T00:00:00'
    await expect(runExport(exporting([]), { store: 'embedded', from })).rejects.toMatchObject({ code: 'usage-wrong' })
  })

  it('gives back every row that was imported', async () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true })
    const row = fc.record({
      level: value,
      raw: fc.option(fc.maxSafeInteger()),
      note: fc.option(fc.string({ unit: 'grapheme' })),
    })
    const rows = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 4e12 }), row), {
      selector: ([ms]) => ms,
      minLength: 1,
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const cells = given.map(([ms, { level, raw, note }]) => {
          const text = note === null ? '' : `"${note.replaceAll('"', '""')}"`
          return `${new Date(ms).toISOString()},${Object.is(level, -0) ? '-0' : level},${raw ?? ''},${text}\n`
        })
        const sending = sendContext({ files: { 'in.csv': `time,level,raw,note\n${cells.join('')}` } })
        await runImport(sending, { files: ['in.csv'], url: 'x', type: 'probe', sensor: 's1' })
        const { taken } = sending.test.journal
        const context = exporting([taken.map(({ time, ...offer }: Offer) => stored({ ...offer, ...time }))])
        await runExport(context, { store: 'embedded', type: 'probe' })
        const [, ...out] = new CsvRows().push(context.said.out, true)
        const read = out.map((line) => {
          const [, , , time = '', level, raw, , note] = 'cells' in line ? line.cells : []
          const instant = parseInstant(time ?? '')
          return [
            'ms' in instant ? instant.ms : time,
            { level: Number(level), raw: raw === null ? null : Number(raw), note },
          ]
        })
        expect(read).toEqual(given)
      }),
      { numRuns: 100 },
    )
  })
})
