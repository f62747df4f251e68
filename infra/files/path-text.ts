/**
 * Paths as text, whatever bytes they have: what is UTF-8 stands as it is, `%` and every byte that is none as `%XX`. Three forms: *raw*, a byte a character;
 * *key*, the same with the escapes, which sorts as its text's UTF-8 does; *text*. Plain ASCII is the same in all three.
 */

import { isUtf8 } from 'node:buffer'

const PLAIN = /^[\x01-\x24\x26-\x7f]*$/
const ESCAPE = /%([0-9A-F]{2})/g

export function keyOfRaw(raw: string): string {
  if (PLAIN.test(raw)) return raw
  const bytes = Buffer.from(raw, 'latin1')
  let key = ''
  for (let i = 0; i < bytes.length; ) {
    const length = validLength(bytes, i)
    key += length === 0 ? escaped(bytes[i] ?? 0) : raw.slice(i, i + length)
    i += Math.max(length, 1)
  }
  return key
}

export function rawOfKey(key: string): string {
  return key.includes('%')
    ? key.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : key
}

export function textOfKey(key: string): string {
  return PLAIN.test(key) ? key : Buffer.from(key, 'latin1').toString('utf8')
}

export function keyOfText(text: string): string {
  return PLAIN.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** As the system takes it. */
export function systemPath(raw: string): string | Buffer {
  return PLAIN.test(raw) ? raw : Buffer.from(raw, 'latin1')
}

/** Of the character at `i`, 0 where there is none or it has to be escaped. */
function validLength(bytes: Buffer, i: number): number {
  const lead = bytes[i] ?? 0
  if (lead < 0x80) return lead === 0x25 ? 0 : 1
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
  return i + length <= bytes.length && isUtf8(bytes.subarray(i, i + length)) ? length : 0
}

function escaped(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
