/** Whether a reading fits a record of the log, decided at the door, because later nobody could send it. */

import type { MessageType } from '../../schemas/message-type.ts'
import type { Labels, Values } from '../../schemas/reading.ts'
import { READINGS_BYTES_MAX, readingBytes } from '../../schemas/wire-codec.ts'
import type { Offer } from '../ports/journal.ts'

/** Nearly every reading is far below; only near the limit it is worth counting bytes. */
const NEAR = READINGS_BYTES_MAX / 2

/** The bytes of an offer that is too large, else undefined. */
export function bytesTooMany(offer: Offer, type: MessageType | undefined): number | undefined {
  if (charsOf(offer.values) + charsOf(offer.labels) + (type?.fields.length ?? 0) < NEAR) return undefined
  const bytes = readingBytes(offer, type)
  return bytes > READINGS_BYTES_MAX ? bytes : undefined
}

/** At least the bytes on the wire: a UTF-16 unit takes at most three of UTF-8, an entry at most 24 beside its texts. */
function charsOf(entries: Values | Labels): number {
  let bytes = 0
  for (const name in entries) {
    const value = entries[name]
    bytes += name.length * 3 + 24
    if (typeof value === 'string') bytes += value.length * 3
  }
  return bytes
}
