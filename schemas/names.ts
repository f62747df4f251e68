/** Which names are legal for gateways, types, sensors and fields, and how tags become a sensor name. */

import { hash } from 'node:crypto'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:=,@+%-]{0,127}$/
const LENGTH_MAX = 128
/** What may stand in a tag's key or value as it is; `%`, `=` and `,` may not, or two sets of tags could share a name. */
const ENCODED = /[^A-Za-z0-9._:@+-]/gu
/** Stands before what would begin with a sign; no encoded text holds a `%` before a `-`. */
const LEADING = '0%-'

/** 1 to 128 ASCII characters: letters, digits and `._:=,@+%-`, a letter or digit first. */
export function isName(text: string): boolean {
  return NAME.test(text)
}

export function isFieldName(text: string): boolean {
  return NAME.test(text)
}

/**
 * `cpu=cpu0,host=a`: all tags in key order, other characters percent-encoded as UTF-8; past 128 characters the first 111, `@` and 16 hex
 * digits of the SHA-256 of the whole; `none` without tags. Different tags get different names.
 */
export function sensorFromTags(tags: readonly (readonly [key: string, value: string])[]): string {
  if (tags.length === 0) return 'none'
  const sorted = [...tags].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const joined = sorted.map(([key, value]) => `${encoded(key)}=${encoded(value)}`).join(',')
  const name = /^[A-Za-z0-9]/.test(joined) ? joined : LEADING + joined
  if (name.length <= LENGTH_MAX) return name
  return `${name.slice(0, LENGTH_MAX - 17)}@${hash('sha256', name, 'hex').slice(0, 16)}`
}

function encoded(text: string): string {
  return text.replace(ENCODED, (char) =>
    Array.from(Buffer.from(char, 'utf8'), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
