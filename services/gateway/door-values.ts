/** Fits the values of a reading to its message type, or to what an undeclared type may carry. */

import type { MessageType, ValueField } from '../../schemas/message-type.ts'
import type { Value, ValueKind, Values } from '../../schemas/reading.ts'
import { Refusal, refusal, shown } from './door-codes.ts'

/** Values as they came: of JSON anything, of line protocol typed already. */
export type RawValues = Readonly<Record<string, unknown>>
/** Nulls are left out. Where nothing had to change the values come back as the object given, which is then the offer's. */
export type ValueFitter = (values: RawValues) => Values | Refusal

const SURROGATE = /\p{Cs}/u
const NOT_FINITE = /^[+-]?(?:nan|inf(?:inity)?)$/i
const INTEGER_MAX = BigInt(Number.MAX_SAFE_INTEGER)

export function declaredFitter(type: MessageType): ValueFitter {
  const fields = new Map(type.fields.map((field) => [field.name, field]))
  const required = type.fields.filter(({ optional }) => !optional)
  return (values) => {
    let present = 0
    let presentRequired = 0
    let unchanged = true
    for (const name in values) {
      const field = fields.get(name)
      if (field === undefined) return unknownField(type, name)
      const value = values[name]
      if (value === null) {
        unchanged = false
        continue
      }
      if (field.kind !== 'double' || !Number.isFinite(value)) {
        const fitted = fitValue(field.kind, name, value)
        if (fitted instanceof Refusal) return fitted
        if (fitted !== value) unchanged = false
      }
      present++
      if (!field.optional) presentRequired++
    }
    if (presentRequired < required.length) return missingField(required, values)
    if (present === 0) return refusal('values-empty')
    return unchanged ? (values as Values) : fitAll(values, (name) => fields.get(name)?.kind)
  }
}

/** Numbers stay what they are: doubles from JSON, integers where line protocol said so. `isFieldName` says which names are legal. */
export function undeclaredFitter(isFieldName: (name: string) => boolean): ValueFitter {
  return (values) => {
    let present = 0
    let nulls = false
    for (const name in values) {
      if (!isFieldName(name)) return refusal('name-invalid', `field ${shown(name)}`)
      const value = values[name]
      if (value === null) {
        nulls = true
        continue
      }
      const fitted = fitValue(kindOf(value), name, value)
      if (fitted instanceof Refusal) return fitted
      present++
    }
    if (present === 0) return refusal('values-empty')
    return nulls ? fitAll(values, (name) => kindOf(values[name])) : (values as Values)
  }
}

function fitAll(values: RawValues, kind: (name: string) => ValueKind | undefined): Values {
  const out: Record<string, Value> = {}
  for (const name in values) {
    if (values[name] === null) continue
    const fitted = fitValue(kind(name), name, values[name])
    if (!(fitted instanceof Refusal)) out[name] = fitted
  }
  return out
}

function kindOf(value: unknown): ValueKind | undefined {
  switch (typeof value) {
    case 'number':
      return 'double'
    case 'bigint':
      return 'integer'
    case 'boolean':
      return 'boolean'
    case 'string':
      return 'string'
    default:
      return undefined
  }
}

function fitValue(kind: ValueKind | undefined, name: string, value: unknown): Value | Refusal {
  if (kind === 'double') return fitDouble(name, value)
  if (kind === 'integer') return fitInteger(name, value)
  if (kind === 'boolean' && typeof value === 'boolean') return value
  if (kind === 'string' && typeof value === 'string') {
    return SURROGATE.test(value) ? wrongType(name, 'a text of whole characters', value) : value
  }
  return wrongType(name, kind === undefined ? 'a number, boolean or text' : `a ${kind}`, value)
}

function fitDouble(name: string, value: unknown): number | Refusal {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? value : refusal('value-not-finite', `field ${name} is ${value}`)
  }
  // Line protocol may write 21i where the type says double; within ±(2⁵³−1) the double is the same number.
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'string' && NOT_FINITE.test(value)) {
    return refusal('value-not-finite', `field ${name} is ${shown(value)}`)
  }
  return wrongType(name, 'a number', value)
}

function fitInteger(name: string, value: unknown): bigint | Refusal {
  if (typeof value === 'bigint') {
    const fits = value <= INTEGER_MAX && value >= -INTEGER_MAX
    return fits ? value : refusal('integer-too-large', `field ${name} is ${value}`)
  }
  if (typeof value !== 'number') return wrongType(name, 'an integer', value)
  if (!Number.isFinite(value)) return refusal('value-not-finite', `field ${name} is ${value}`)
  if (!Number.isInteger(value)) return wrongType(name, 'an integer', value)
  // Past 2⁵³ JSON.parse has already rounded, so what came is no longer what was sent.
  if (!Number.isSafeInteger(value)) return refusal('integer-too-large', `field ${name} is about ${value}`)
  return BigInt(value)
}

function wrongType(name: string, expected: string, value: unknown): Refusal {
  return refusal('value-wrong-type', `field ${name} takes ${expected}, came ${shown(value)}`)
}

function unknownField(type: MessageType, name: string): Refusal {
  const known = type.fields.map((field) => field.name).join(', ')
  return refusal('field-unknown', `${type.name} has ${known}; came ${shown(name)}`)
}

function missingField(required: readonly ValueField[], values: RawValues): Refusal {
  const missing = required.filter(({ name }) => !Object.hasOwn(values, name) || values[name] === null)
  return refusal('field-missing', missing.map(({ name }) => name).join(', '))
}
