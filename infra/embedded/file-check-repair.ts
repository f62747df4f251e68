/**
 * Puts right a sealed row in which a single bit has flipped. A checksum of 32 bits tells any two single flips of rows of this size apart, so that the
 * difference between the sum kept and the sum computed names the bit. More than one flip is not put right, and looks like a single one in less
 * than one of 30,000 cases: who can, checks the content by other means.
 */

import { crc32 } from 'node:zlib'
import type { Bytes } from './kv.ts'
import { SEAL_BYTES } from './row-bytes.ts'

const POLYNOMIAL = 0xedb8_8320
const SUM_BYTES = 4
const STEP = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1
  return sum
})

/** The row as it was, in bytes of its own; undefined when it is not one bit that is wrong. */
export function repairedRow(row: Bytes): Bytes | undefined {
  if (row.length < SEAL_BYTES) return undefined
  const copy = Buffer.from(row)
  const difference = (copy.readUInt32BE(0) ^ crc32(copy.subarray(SUM_BYTES))) >>> 0
  if (difference === 0) return copy
  const isInSum = (difference & (difference - 1)) === 0
  const bit = isInSum ? undefined : flippedBit(difference, copy.length - SUM_BYTES)
  if (isInSum) copy.writeUInt32BE(crc32(copy.subarray(SUM_BYTES)), 0)
  else if (bit === undefined) return undefined
  else copy.writeUInt8(copy.readUInt8(SUM_BYTES + bit.at) ^ (1 << bit.bit), SUM_BYTES + bit.at)
  return copy
}

/** Which bit of `length` bytes changes their checksum by this difference. */
function flippedBit(difference: number, length: number): { readonly at: number; readonly bit: number } | undefined {
  const sums = Uint32Array.from({ length: 8 }, (_, bit) => STEP[1 << bit] as number)
  for (let at = length - 1; at >= 0; at--) {
    for (let bit = 0; bit < 8; bit++) {
      const sum = sums[bit] as number
      if (sum === difference) return { at, bit }
      sums[bit] = (sum >>> 8) ^ (STEP[sum & 255] as number)
    }
  }
  return undefined
}
