/** Lines that a mirror may get wrong: names, texts, numbers and times at the edges of what InfluxDB holds, the same for the same seed. */

import { seededRandom } from '../../support/manual-clock.ts'

/** Parts of names; a backslash stands before nothing that line protocol would take as escaped. */
const NAME_PARTS = [
  'a',
  'Z9',
  ' ',
  ',',
  '=',
  '"',
  "'",
  '\\x',
  'ü',
  'é',
  '😀',
  '日',
  '.',
  '/',
  '$',
  '${',
  ';--',
  '%',
  '(*)',
  '::tag',
]
const TEXT_PARTS = [...NAME_PARTS, '\\', '\\n', '\n', '\r', '\r\n', '\t', '""', '\u2028', '\ufeff', '</td>', '# ', '-0']
const FLOATS = [0, -0, 0.1, -0.1, 5e-324, 1.7976931348623157e308, -1e300, 1e21, 123456789.12345678, 2 ** 53, 1e-7]
const INTEGERS = [0n, 1n, -1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)]
const UNSIGNED = [0n, 1n, 2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n]
const DAY_NANOS = 86_400_000_000_000n
const MEASUREMENTS = 6
const SERIES_EACH = 4
const KINDS = ['float', 'integer', 'unsigned', 'boolean', 'text'] as const

type Kind = (typeof KINDS)[number]

interface Series {
  readonly key: string
  readonly fields: readonly (readonly [name: string, kind: Kind])[]
}

export interface AwkwardLines {
  /** Of the same points with values that the generator draws anew. */
  drawn(): readonly string[]
}

export function awkwardLines(seed: number, rows: number, nowNanos: bigint): AwkwardLines {
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random.next() * count)
  const oneOf = <T>(all: readonly T[]): T => all[below(all.length)] as T
  const made = (parts: readonly string[], most: number): string =>
    Array.from({ length: below(most + 1) }, () => oneOf(parts)).join('')
  // Neither a comment nor a name that is InfluxDB's own.
  const name = (start: string): string => `${start}${made(NAME_PARTS, 5)}${start}`
  const value = (kind: Kind): string => {
    if (kind === 'integer') return `${below(2) === 0 ? oneOf(INTEGERS) : BigInt(below(1_000_000))}i`
    if (kind === 'unsigned') return `${below(2) === 0 ? oneOf(UNSIGNED) : BigInt(below(1_000_000))}u`
    if (kind === 'boolean') return String(below(2) === 0)
    if (kind === 'float') return floatText(below(2) === 0 ? oneOf(FLOATS) : (random.next() - 0.5) * 10 ** below(40))
    const text = below(50) === 0 ? made(TEXT_PARTS, 4).repeat(2_000) : made(TEXT_PARTS, 12)
    return `"${text.replace(/["\\]/g, '\\$&')}"`
  }
  const all: Series[] = []
  for (let m = 0; m < MEASUREMENTS; m++) {
    const measurement = escaped(name(`m${m}`), /[, ]/g)
    const tagNames = Array.from({ length: below(4) }, (_, i) => escaped(name(`t${i}`), /[,= ]/g))
    const fields = KINDS.map((kind, i) => [escaped(name(`f${i}`), /[,= ]/g), kind] as const)
    for (let s = 0; s < SERIES_EACH; s++) {
      const tags = tagNames.flatMap((tag) => (below(5) === 0 ? [] : [`,${tag}=${escaped(name(`v${s}`), /[,= ]/g)}`]))
      all.push({ key: measurement + tags.join(''), fields })
    }
  }
  const edges = [-9_223_372_036_854_775_806n, -1n, 0n, 1n, nowNanos + 3_650n * DAY_NANOS]
  const points = Array.from({ length: rows }, (_, i) => {
    const { key, fields } = oneOf(all)
    const some = fields.filter(() => below(3) > 0)
    const time = edges[i] ?? nowNanos - BigInt(below(200)) * DAY_NANOS - BigInt(below(2 ** 40))
    return { key, time, fields: some.length === 0 ? fields : some }
  })
  return {
    drawn: () =>
      points.map(({ key, time, fields }) => {
        const values = fields.map(([field, kind]) => `${field}=${value(kind)}`)
        return `${key} ${values.join(',')} ${time}`
      }),
  }
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function escaped(name: string, special: RegExp): string {
  return name.replace(special, '\\$&')
}
