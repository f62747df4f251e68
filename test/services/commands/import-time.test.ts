/** Times of files become one instant, the same at every run, also where a clock change leaves a choice. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatInstant } from '../../../schemas/time.ts'
import { type TimeRules, timeReader } from '../../../services/commands/import-time.ts'
import { utcOfLocal, zoneNamed } from '../../../services/commands/import-zone.ts'

function read(text: string, rules: Partial<TimeRules> = {}): string {
  const instant = timeReader({ zone: zoneNamed('UTC'), ...rules }).read(text, 's')
  return 'reason' in instant ? 'refused' : formatInstant(instant)
}

const berlin = zoneNamed('Europe/Berlin')

describe('a time of a file', () => {
  it.each([
    ['2012-01-01', '2012-01-01T00:00:00Z'],
    ['2010/01/01 00:00', '2010-01-01T00:00:00Z'],
    ['2010-01-01T01:00:00', '2010-01-01T01:00:00Z'],
    ['2010-1-2 3:04', '2010-01-02T03:04:00Z'],
    ['2010-01-01 01:02:03.123456789', '2010-01-01T01:02:03.123456789Z'],
    ['2010-01-01 01:02:03,5', '2010-01-01T01:02:03.5Z'],
    ['2010-01-01T01:02:03+02:00', '2009-12-31T23:02:03Z'],
    ['2010-01-01 01:02:03 -0530', '2010-01-01T06:32:03Z'],
    ['2010-01-01 01:02 UTC', '2010-01-01T01:02:00Z'],
    ['20100131', '2010-01-31T00:00:00Z'],
    ['31.1.2010 23:59', '2010-01-31T23:59:00Z'],
    ['Jan 31 2000', '2000-01-31T00:00:00Z'],
    ['31-Dec-2000 12:00 am', '2000-12-31T00:00:00Z'],
    ['December 31, 2000, 11:05 PM', '2000-12-31T23:05:00Z'],
    ['1262304000', '2010-01-01T00:00:00Z'],
    ['1262304000.25', '2010-01-01T00:00:00.25Z'],
    ['1262304000123', '2010-01-01T00:00:00.123Z'],
    ['1262304000123456', '2010-01-01T00:00:00.123456Z'],
    ['1262304000123456789', '2010-01-01T00:00:00.123456789Z'],
    ['-86400', '1969-12-31T00:00:00Z'],
    ['-1.5', '1969-12-31T23:59:58.5Z'],
    ['2010-02-30', 'refused'],
    ['2010-01-01 24:00', 'refused'],
    ['2010-01-01 13:00 pm', 'refused'],
    ['1/2/2010', 'refused'],
    ['yesterday', 'refused'],
    ['', 'refused'],
    ['2010-01-01 01:02:03.1234567890', 'refused'],
  ])('reads %j as %s', (text, expected) => {
    expect(read(text)).toBe(expected)
  })

  it('reads a date of slashes only in the order it is told', () => {
    expect(read('1/2/2010', { dateOrder: 'mdy' })).toBe('2010-01-02T00:00:00Z')
    expect(read('1/2/2010', { dateOrder: 'dmy' })).toBe('2010-02-01T00:00:00Z')
  })

  it('is read in the zone given, unless it names its own', () => {
    expect(read('2024-07-01 12:00', { zone: berlin })).toBe('2024-07-01T10:00:00Z')
    expect(read('2024-01-01 12:00', { zone: berlin })).toBe('2024-01-01T11:00:00Z')
    expect(read('2024-07-01 12:00Z', { zone: berlin })).toBe('2024-07-01T12:00:00Z')
    expect(read('2024-07-01 12:00', { zone: zoneNamed('-03:30') })).toBe('2024-07-01T15:30:00Z')
    expect(() => zoneNamed('Mars/Olympus')).toThrow(/time zone/)
  })

  it('in an hour the clock skips it keeps the offset from before', () => {
    const reader = timeReader({ zone: berlin })
    expect(reader.read('2024-03-31 02:30', 's')).toEqual({ ms: Date.UTC(2024, 2, 31, 1, 30), ns: 0 })
    expect(reader.seen).toEqual({ withoutZone: 1, gap: 1, overlap: 0 })
  })

  it('in an hour the clock repeats the order of the rows tells the passes apart, sensor by sensor', () => {
    const reader = timeReader({ zone: berlin })
    const hours = (sensor: string) =>
      ['01:30', '02:00', '02:30', '02:00', '02:30', '03:00'].map((time) => {
        const instant = reader.read(`2024-10-27 ${time}`, sensor)
        return 'reason' in instant ? Number.NaN : (instant.ms - Date.UTC(2024, 9, 26, 23, 30)) / 60_000
      })
    expect(hours('a')).toEqual([0, 30, 60, 90, 120, 150])
    expect(hours('b')).toEqual([0, 30, 60, 90, 120, 150])
    expect(reader.seen.overlap).toBe(8)
  })

  it('stands on the wall clock it was read from, in any zone', () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia'].map(
      zoneNamed,
    )
    const local = fc.integer({ min: Date.UTC(1971, 0, 1), max: Date.UTC(2037, 0, 1) })
    fc.assert(
      fc.property(fc.constantFrom(...zones), local, (zone, localMs) => {
        const { utcMs, laterMs, kind } = utcOfLocal(zone, localMs)
        const wall = (ms: number) => ms + zone.offsetMs(ms)
        if (kind === 'gap') expect(wall(utcMs)).toBeGreaterThan(localMs)
        else expect([wall(utcMs), wall(laterMs)]).toEqual([localMs, localMs])
      }),
      { numRuns: 1_000 },
    )
  })
})
