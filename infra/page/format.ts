/** Numbers, times and spans as people read them: British English, the browser's own time zone. */

const COUNT = new Intl.NumberFormat('en-GB')
const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const YEAR = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

export const NOTHING = '–'

export function count(n: number): string {
  return COUNT.format(n)
}

export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

export function bytes(n: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, n < 1 ? 0 : Math.floor(Math.log10(n) / 3))
  const value = n / 1000 ** power
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[power]}`
}

/** Rounded down, so that 100 % is said of nothing less. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '100 %'
  const tenths = Math.floor((part / whole) * 1000)
  return `${tenths % 10 === 0 ? tenths / 10 : (tenths / 10).toFixed(1)} %`
}

/** The time alone on the day of `nowMs`, with its day before. */
export function clock(time: string | number | null, nowMs = Date.now()): string {
  if (time === null) return NOTHING
  const at = new Date(time)
  const now = new Date(nowMs)
  if (at.toDateString() === now.toDateString()) return CLOCK.format(at)
  return `${(at.getFullYear() === now.getFullYear() ? DAY : YEAR).format(at)}, ${CLOCK.format(at)}`
}

export function span(from: string | number | null, to: string | number | null, open = 'now'): string {
  return `${from === null ? 'unknown' : clock(from)} – ${to === null ? open : clock(to)}`
}

/** Two units at most: `50 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([n]) => n > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ')
}

/** `1,204–1,260`, or one number where it is one. */
export function range([first, last]: readonly [number, number]): string {
  return first === last ? count(first) : `${count(first)}–${count(last)}`
}

/** Of `EPOCH:A-B`: an epoch's random name is told by its first letters. */
export function positions(text: string): string {
  const [, epoch = '', first = '', last = ''] = /^(.*):(\d+)-(\d+)$/.exec(text) ?? []
  return epoch === '' ? text : `${shortId(epoch)} ${range([Number(first), Number(last)])}`
}

export function shortId(id: string): string {
  return /^[0-9a-f-]{16,}$/i.test(id) ? id.slice(0, 8) : id
}

/** How many positions. */
export function sizeOf(ranges: readonly (readonly [number, number])[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}
