/** Readings at the edges of what values and times can be: each has to come back to the bit. */

import type { Value, Values } from '../../../schemas/reading.ts'

export interface SpecialReading {
  readonly type: string
  readonly sensor: string
  /** Nanoseconds since 1970. */
  readonly time: bigint
  readonly values: Values
}

const LONG_MAX = 2n ** 53n - 1n
const DOUBLES = [
  -0,
  0,
  Number.MIN_VALUE,
  -Number.MIN_VALUE,
  2.225073858507201e-308,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  0.1 + 0.2,
  1 / 3,
  2 ** 53,
  -(2 ** 31),
  1e21,
  1e-7,
]
const LONGS = [0n, -1n, 2n ** 31n, -(2n ** 31n), LONG_MAX, -LONG_MAX]
const TEXTS = ['', ' ', 'a "quoted" \\ text', 'two\nlines', '☔ über 湿度 𝄞', "it's=1,2 3"]
/** Before 1970, its very beginning, in the last digit, far away on both sides. */
const TIMES = [
  -1n,
  0n,
  1n,
  999_999_999n,
  1_793_491_200_123_456_789n,
  BigInt(Date.UTC(1700, 0, 1)) * 1_000_000n + 7n,
  BigInt(Date.UTC(2261, 0, 1)) * 1_000_000n + 999_999n,
]
const FIRST_NS = 1_793_491_200_000_000_001n

export function specialReadings(): readonly SpecialReading[] {
  const one = (sensor: string, type: string, values: Values, i: number): SpecialReading => {
    return { type, sensor, values, time: FIRST_NS + BigInt(i) }
  }
  return [
    ...DOUBLES.map((double, i) => one('doubles', 'e2e-edges', { double, other: -double }, i)),
    ...LONGS.map((long, i) => one('longs', 'e2e-edges', { long, double: Number(long), yes: i % 2 === 0 }, i)),
    ...TEXTS.map((text, i) => one('texts', 'e2e-edges', { text }, i)),
    ...LONGS.map((raw, i) => one('declared', 'soil_moisture', { moisture: -0, raw, battery_low: i % 2 === 1 }, i)),
    ...TIMES.map((time, i) => ({ type: 'temperature', sensor: 'times', time, values: { temperature: i + 0.5 } })),
  ]
}

/** As `POST /readings` takes them: what has an integer of an undeclared type can't be said so. */
export function jsonBody(readings: readonly SpecialReading[]): string {
  const texts = readings.map(({ type, sensor, time, values }) => {
    const fields = Object.entries(values).map(([name, value]) => `${JSON.stringify(name)}:${jsonText(value)}`)
    return `{"type":"${type}","sensor":"${sensor}","time":"${time}","values":{${fields.join(',')}}}`
  })
  return `[${texts.join(',')}]`
}

/** As `POST /api/v2/write` takes them. */
export function linesBody(readings: readonly SpecialReading[]): string {
  return readings
    .map(({ type, sensor, time, values }) => {
      const fields = Object.entries(values).map(([name, value]) => `${name}=${lineText(value)}`)
      return `${type},sensor=${sensor} ${fields.join(',')} ${time}`
    })
    .join('\n')
}

function jsonText(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return Object.is(value, -0) ? '-0.0' : String(value)
}

function lineText(value: Value): string {
  if (typeof value === 'string') return `"${value.replaceAll(/["\\]/g, '\\$&')}"`
  if (typeof value === 'bigint') return `${value}i`
  return Object.is(value, -0) ? '-0' : String(value)
}
