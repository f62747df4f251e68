/** Reads what stands behind options and arguments of the command line; what is wrong is said with what was expected. */

import { InvalidArgumentError } from 'commander'
import { isName } from '../../schemas/names.ts'
import { isDay, parseInstant } from '../../schemas/time.ts'
import { parseRanges } from '../core/headers.ts'
import { DURATION_FORM, parseDuration } from '../core/quantities.ts'

export function durationMs(text: string): number {
  return parseDuration(text) ?? refuse(DURATION_FORM)
}

export function wholeNumber(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : refuse('a whole number')
}

export function port(text: string): string {
  return wholeNumber(text) <= 65_535 ? text : refuse('a port from 0 to 65535')
}

/** `100/s` or `100`: readings a second. */
export function ratePerS(text: string): number {
  const rate = Number(/^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text)?.[1])
  return rate > 0 ? rate : refuse('a rate such as 100/s')
}

/** Handed on as it is: the command reads it again. */
export function time(text: string): string {
  const instant = parseInstant(text)
  return 'reason' in instant ? refuse(`a time such as 2026-03-01T12:00:00Z, ${instant.reason}`) : text
}

/** A day stands for its first instant in UTC. */
export function timeOrDay(text: string): string {
  return isDay(text) ? text : time(text)
}

export function timeOrEarliest(text: string): string {
  if (text === 'earliest') return text
  const instant = parseInstant(text)
  return 'reason' in instant ? refuse(`'earliest', or a time such as 2026-03-01T12:00:00Z`) : text
}

export function day(text: string): string {
  return isDay(text) ? text : refuse('a day such as 2026-03-01')
}

/** `1-500,700`. */
export function ranges(text: string): string {
  const parsed = parseRanges(text)
  return parsed !== undefined && parsed.length > 0 ? text : refuse('ranges of positions such as 1-500,700')
}

export function name(text: string): string {
  return isName(text)
    ? text
    : refuse('a name of at most 128 letters, digits and ._:=,@+%-, the first a letter or digit')
}

export function httpUrl(text: string): string {
  return URL.canParse(text) && /^https?:/.test(text) ? text : refuse('an address such as http://127.0.0.1:8080')
}

/** Of an option that may be repeated. */
export function collected(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

function refuse(expected: string): never {
  throw new InvalidArgumentError(`Expected ${expected}.`)
}
