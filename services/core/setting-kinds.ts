/** Kinds of settings: how a text becomes a value, and in words what is expected. */

import { z } from 'zod'
import { isName } from '../../schemas/names.ts'
import { DURATION_FORM, parseDuration, parseSize, SIZE_FORM } from './quantities.ts'

/** How a text becomes a value, and in words what is expected. */
export interface SettingKind<T> {
  readonly expected: string
  readonly schema: z.ZodType<T, string>
}

export interface Setting<T> {
  /** In the environment with `TIDEMARK_` before it, in the file as it is. */
  readonly name: string
  readonly kind: SettingKind<T>
  /** As a user would write it. */
  readonly preset: string
  readonly sentence: string
  readonly secret: boolean
}

/** A setting without a default: absent unless somebody sets it. */
export interface OpenSetting<T> extends Omit<Setting<T>, 'preset'> {
  readonly preset: null
}

export const DAY_MS = 86_400_000

export function kind<T>(expected: string, read: (text: string) => T | undefined): SettingKind<T> {
  const schema = z.string().transform((text, context): T => {
    const value = read(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: expected })
    return z.NEVER
  })
  return { expected, schema }
}

function between(min: number, max: number, value: number | undefined): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined
}

export function count(min: number, max: number): SettingKind<number> {
  return kind(`a whole number from ${min} to ${max}`, (text) =>
    /^\d+$/.test(text) ? between(min, max, Number(text)) : undefined,
  )
}

export function duration(minMs: number, maxMs: number): SettingKind<number> {
  return kind(DURATION_FORM, (text) => between(minMs, maxMs, parseDuration(text)))
}

export function size(min: number): SettingKind<number> {
  return kind(`${SIZE_FORM}, at least ${min} bytes`, (text) => between(min, Number.MAX_SAFE_INTEGER, parseSize(text)))
}

export function oneOf<const T extends string>(...choices: readonly T[]): SettingKind<T> {
  return kind(choices.length === 1 ? `'${choices[0]}'` : `one of ${choices.join(', ')}`, (text) =>
    choices.find((choice) => choice === text),
  )
}

export function listOf<const T extends string>(...choices: readonly T[]): SettingKind<readonly T[]> {
  return kind(`a comma-separated list, without repetition, of ${choices.join(', ')}`, (text) => {
    const items = text.split(',').map((item) => item.trim())
    const known = items.flatMap((item) => choices.filter((choice) => choice === item))
    return known.length === items.length && new Set(items).size === items.length ? known : undefined
  })
}

export const url = kind('an http or https URL without user and password, such as http://127.0.0.1:8086', webAddress)
export const registry = kind(
  "'embedded', or the URL of a Confluent-compatible registry without user and password",
  (text) => (text === 'embedded' ? text : webAddress(text)),
)
export const mongodbUrl = kind('a URL with a database, such as mongodb://127.0.0.1:27017/tidemark', (text) =>
  /^mongodb(\+srv)?:\/\/[^/\s]+\/[^/?\s.$"\\]+(\?\S*)?$/.test(text) ? text : undefined,
)
export const brokers = kind('a comma-separated list of HOST:PORT', (text) => {
  const items = text.split(',').map((item) => item.trim())
  return items.every(isHostAndPort) ? items : undefined
})

function webAddress(text: string): string | undefined {
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) return undefined
  return parsed.username + parsed.password === '' ? text.replace(/\/+$/, '') : undefined
}

function isHostAndPort(text: string): boolean {
  const port = /^(?:[\w.-]+|\[[0-9a-f:.]+\]):(\d{1,5})$/i.exec(text)?.[1]
  return port !== undefined && between(1, 65_535, Number(port)) !== undefined
}

export const anyText = kind('some text', (text) => (text.trim() === '' ? undefined : text))
export const name = kind('a name of at most 128 letters, digits and ._:=,@+%-, the first a letter or digit', (text) =>
  isName(text) ? text : undefined,
)

export function setting<T>(name: string, kind: SettingKind<T>, preset: string, sentence: string): Setting<T> {
  return { name, kind, preset, sentence, secret: false }
}

export function open<T>(name: string, kind: SettingKind<T>, sentence: string, secret = false): OpenSetting<T> {
  return { name, kind, preset: null, sentence, secret }
}
