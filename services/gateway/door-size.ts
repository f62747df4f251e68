/** How many bytes an offer can take on the wire at most, without encoding it. */

import type { Labels, Values } from '../../schemas/reading.ts'
import type { Offer } from '../ports/journal.ts'

/** A UTF-16 unit takes at most three bytes of UTF-8; past this guess the bytes are counted. */
const GUESS_ENOUGH = 500_000
/** The record around one reading: gateway, epoch, mark, digest, time and lengths. */
const AROUND = 4_096
/** Lengths, a union's branch and a number's eight bytes. */
const PER_ENTRY = 16

export function offerBytes(offer: Offer): number {
  const guess = sum(offer.values, guessed) + sum(offer.labels, guessed)
  return AROUND + (guess < GUESS_ENOUGH ? guess : sum(offer.values, counted) + sum(offer.labels, counted))
}

function sum(entries: Values | Labels, bytes: (text: string) => number): number {
  let total = 0
  for (const name in entries) {
    const value = entries[name]
    total += bytes(name) + PER_ENTRY
    if (typeof value === 'string') total += bytes(value)
  }
  return total
}

function guessed(text: string): number {
  return text.length * 3
}

function counted(text: string): number {
  return Buffer.byteLength(text)
}
