/** The order of texts by their UTF-8 bytes, in which listings and indexes come. */

/** Below 0, 0 or above 0. JavaScript's own order differs where surrogate pairs meet characters from U+E000 on. */
export function comparePaths(x: string, y: string): number {
  if (x === y) return 0
  const length = Math.min(x.length, y.length)
  let i = 0
  while (i < length && x.charCodeAt(i) === y.charCodeAt(i)) i += 1
  if (i === length) return x.length - y.length
  return rank(x.charCodeAt(i)) - rank(y.charCodeAt(i))
}

/** Surrogates stand for characters above all others. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
