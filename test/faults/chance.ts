/** Chance that repeats: one seed gives one row of numbers, and each concern takes a row of its own. */

export interface Chance {
  /** From 0, and below 1. */
  next(): number
  /** A whole number of `[from, to]`. */
  between(from: number, to: number): number
  pick<T>(items: readonly [T, ...T[]]): T
  /** A row of its own, so that one more draw here does not shift the others. */
  split(concern: string): Chance
}

export function chanceOf(seed: string): Chance {
  let state = hashOf(seed)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
    split: (concern) => chanceOf(`${seed}/${concern}`),
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return hash
}
