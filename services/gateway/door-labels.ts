/** Checks the labels of a reading and keeps them apart from the names the stores need for themselves. */

import type { Labels, Values } from '../../schemas/reading.ts'
import { type Refusal, refusal, shown } from './door-codes.ts'

export const NO_LABELS: Labels = Object.freeze({})

const RESERVED = new Set(['gateway', 'sensor', 'type', 'time', '_field', '_measurement'])
const LABEL_NAME = /^[^\p{Cc}\p{Cs}]{1,128}$/u
const LABEL_VALUE = /^[^\p{Cc}\p{Cs}]{1,1024}$/u

export interface LabelRules {
  /** Fields of the declared type: there a clash is refused. Without it the label gets a trailing `_`. */
  readonly declaredFields?: ReadonlySet<string>
}

/** `undefined` and `null` are no labels. */
export function fitLabels(labels: unknown, values: Values, rules: LabelRules): Labels | Refusal {
  if (labels === undefined || labels === null || labels === NO_LABELS) return NO_LABELS
  if (typeof labels !== 'object' || Array.isArray(labels)) return refusal('label-invalid', `came ${shown(labels)}`)
  const names = Object.keys(labels)
  if (names.length === 0) return NO_LABELS
  let renamed = false
  for (const name of names) {
    const fault = labelFault(name, (labels as Labels)[name])
    if (fault !== undefined) return fault
    const clash = rules.declaredFields === undefined ? Object.hasOwn(values, name) : rules.declaredFields.has(name)
    if (!clash && !RESERVED.has(name)) continue
    if (rules.declaredFields !== undefined) return refusal('label-reserved', `came ${shown(name)}`)
    renamed = true
  }
  return renamed ? renameClashes(labels as Labels, values) : (labels as Labels)
}

function labelFault(name: string, value: unknown): Refusal | undefined {
  // Assigning `__proto__` would vanish without a trace.
  if (!LABEL_NAME.test(name) || name === '__proto__') return refusal('label-invalid', `name ${shown(name)}`)
  if (typeof value === 'string' && LABEL_VALUE.test(value)) return undefined
  return refusal('label-invalid', `${shown(name)} is ${shown(value)}`)
}

function renameClashes(labels: Labels, values: Values): Labels {
  const out: Record<string, string> = {}
  for (const [name, value] of Object.entries(labels)) {
    let free = name
    while (RESERVED.has(free) || Object.hasOwn(values, free) || (free !== name && Object.hasOwn(labels, free)))
      free += '_'
    out[free] = value
  }
  return out
}
