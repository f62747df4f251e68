/** Durations and sizes as people write them (`30s`, `7d`, `64MB`, `1GiB`) and back. */

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

const SIZE_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

export const DURATION_FORM = 'a duration such as 500ms, 30s, 15m, 12h or 7d'
export const SIZE_FORM = 'a size such as 500000, 64MB or 1GiB'

/** Milliseconds; `undefined` for what is not a number with one of the units ms, s, m, h, d, w. */
export function parseDuration(text: string): number | undefined {
  return quantity(text, DURATION_MS)
}

/** Whole bytes; a number without a unit counts bytes. Capital letters don't matter; MB is 10⁶, MiB 2²⁰. */
export function parseSize(text: string): number | undefined {
  return quantity(text, SIZE_BYTES)
}

/** The largest unit that divides it: `formatDuration(90_000)` is `90s`. */
export function formatDuration(ms: number): string {
  return inLargestUnit(ms, [
    ['w', 604_800_000],
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ])
}

/** The largest unit that divides it; exact, so that it can be read back. */
export function formatSize(bytes: number): string {
  return inLargestUnit(bytes, [
    ['TiB', 2 ** 40],
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['GB', 1e9],
    ['MB', 1e6],
    ['KiB', 2 ** 10],
    ['kB', 1e3],
    ['B', 1],
  ])
}

/** For people: about three digits, `1.23 MB`. */
export function roundSize(bytes: number): string {
  const units = ['kB', 'MB', 'GB', 'TB']
  if (bytes < 1000) return `${bytes} B`
  const power = Math.min(Math.floor(Math.log10(bytes * 1.0005) / 3), units.length)
  const value = bytes / 1000 ** power
  return `${value >= 99.95 ? Math.round(value) : value.toPrecision(3)} ${units[power - 1]}`
}

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  const unit = units[match?.[2]?.toLowerCase() ?? '?']
  if (match?.[1] === undefined || unit === undefined) return undefined
  const value = Math.round(Number(match[1]) * unit)
  return Number.isSafeInteger(value) ? value : undefined
}

function inLargestUnit(value: number, units: readonly (readonly [string, number])[]): string {
  const fitting = units.find(([, factor]) => value >= factor && value % factor === 0)
  return fitting === undefined ? `${value}${units.at(-1)?.[0]}` : `${value / fitting[1]}${fitting[0]}`
}
