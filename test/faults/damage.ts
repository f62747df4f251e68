/** Ways in which a file may come to harm, each decided by a seed: cut off, bits flipped, the tail or a page overwritten. */

import type { Random } from '../../services/ports/clock.ts'

export interface Damage {
  readonly kind: string
  /** What was done where, to say it when a test fails. */
  readonly what: string
  readonly bytes: Buffer
}

type Harm = (bytes: Buffer, random: Random) => Damage

const PAGE_BYTES = 4096

export function truncated(bytes: Buffer, at: number): Damage {
  return {
    kind: 'truncated',
    what: `cut off at byte ${at} of ${bytes.length}`,
    bytes: Buffer.from(bytes.subarray(0, at)),
  }
}

export function flipped(bytes: Buffer, random: Random, count = 1): Damage {
  const copy = Buffer.from(bytes)
  const places = Array.from({ length: count }, () => [below(random, copy.length), below(random, 8)] as const)
  for (const [at, bit] of places) copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at)
  const [first] = places
  return {
    kind: count === 1 ? 'one bit flipped' : 'bits flipped',
    what: `${count} bits, the first in byte ${first?.[0]}`,
    bytes: copy,
  }
}

/** From `at` to the end. */
export function zeroTail(bytes: Buffer, at: number): Damage {
  return { kind: 'zero tail', what: `zeros from byte ${at} on`, bytes: Buffer.from(bytes).fill(0, at) }
}

export function garbageTail(bytes: Buffer, at: number, random: Random): Damage {
  const copy = Buffer.from(bytes)
  for (let i = at; i < copy.length; i++) copy.writeUInt8(below(random, 256), i)
  return { kind: 'garbage tail', what: `garbage from byte ${at} on`, bytes: copy }
}

function pageOverwritten(bytes: Buffer, random: Random): Damage {
  const page = below(random, Math.ceil(bytes.length / PAGE_BYTES))
  const filler = random.next() < 0.5 ? 0 : 255
  const copy = Buffer.from(bytes).fill(filler, page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
  return { kind: 'page overwritten', what: `page ${page} filled with ${filler}`, bytes: copy }
}

const ANY: readonly Harm[] = [
  (bytes, random) => truncated(bytes, below(random, bytes.length)),
  (bytes, random) => flipped(bytes, random),
  (bytes, random) => flipped(bytes, random, 20),
  (bytes, random) => zeroTail(bytes, below(random, bytes.length)),
  (bytes, random) => garbageTail(bytes, below(random, bytes.length), random),
  pageOverwritten,
]

/** The kinds in turn, at places of the seed's choice. */
export function damageOf(bytes: Buffer, turn: number, random: Random): Damage {
  const harm = ANY[turn % ANY.length] ?? flipped
  return harm(bytes, random)
}

function below(random: Random, bound: number): number {
  return Math.floor(random.next() * bound)
}
