/** From what a door was sent to what the journal is offered: names, time, values and labels checked, reading by reading. */

import type { MessageType, MessageTypes } from '../../schemas/message-type.ts'
import { isFieldName, isName, sensorFromTags } from '../../schemas/names.ts'
import type { Instant, Labels } from '../../schemas/reading.ts'
import { parseInstant } from '../../schemas/time.ts'
import { LineFault, type LinePoint, parseSeries } from '../core/line-protocol.ts'
import type { Offer } from '../ports/journal.ts'
import { Refusal, refusal, shown } from './door-codes.ts'
import { fitLabels, type LabelRules, NO_LABELS } from './door-labels.ts'
import { bytesTooMany } from './door-size.ts'
import { declaredFitter, type RawValues, undeclaredFitter, type ValueFitter } from './door-values.ts'

export interface OfferRules {
  readonly types: MessageTypes
  readonly undeclared: 'accept' | 'refuse'
}

/** Made once per gateway: it remembers names, types and series it has seen, within bounds. */
export interface OfferChecker {
  /** `item` is a parsed JSON value of shape `{type, sensor, time?, values, labels?}`; its objects may become the offer's. */
  fromJson(item: unknown): Offer | Refusal
  /** Sensor: the tag of that name, or else all tags joined. */
  fromPoint(point: LinePoint): Offer | Refusal
}

interface TypeRules extends LabelRules {
  readonly fit: ValueFitter
  readonly declared?: MessageType
}

interface Series {
  readonly type: string
  readonly sensor: string
  readonly labels: Labels
}

const REMEMBERED_MAX = 65_536
const REMEMBERED_LENGTH_MAX = 1_024

export function offerChecker(rules: OfferRules): OfferChecker {
  const rulesOf = typeRules(rules)
  const knownName = remembered((name) => isName(name))
  const seriesOf = remembered(readSeries)
  const instantOf = instantReader()
  return {
    fromJson: (item) => {
      if (typeof item !== 'object' || item === null || Array.isArray(item)) {
        return refusal('not-an-object', `came ${shown(item)}`)
      }
      const { type, sensor, time, values, labels } = item as Record<string, unknown>
      const unknownKey = keyFault(item)
      if (unknownKey !== undefined) return unknownKey
      if (typeof type !== 'string') return refusal('type-missing', `came ${shown(type)}`)
      if (typeof sensor !== 'string') return refusal('sensor-missing', `came ${shown(sensor)}`)
      if (!knownName(sensor)) return refusal('name-invalid', `sensor ${shown(sensor)}`)
      const instant = time === undefined || time === null ? undefined : instantOf(time)
      if (instant instanceof Refusal) return instant
      if (typeof values !== 'object' || values === null || Array.isArray(values)) {
        return refusal('values-missing', `came ${shown(values)}`)
      }
      return offer(rulesOf(type), { type, sensor, labels }, values as RawValues, instant)
    },
    fromPoint: ({ series, fields, time }) => {
      const found = seriesOf(series)
      if (found instanceof Refusal) return found
      return offer(rulesOf(found.type), found, fields, time)
    },
  }
}

function offer(
  rules: TypeRules | Refusal,
  { type, sensor, labels }: { readonly type: string; readonly sensor: string; readonly labels: unknown },
  raw: RawValues,
  time: Instant | undefined,
): Offer | Refusal {
  if (rules instanceof Refusal) return rules
  const values = rules.fit(raw)
  if (values instanceof Refusal) return values
  const fitted = fitLabels(labels, values, rules)
  if (fitted instanceof Refusal) return fitted
  const made: Offer =
    time === undefined ? { type, sensor, labels: fitted, values } : { type, sensor, labels: fitted, time, values }
  const bytes = bytesTooMany(made, rules.declared)
  return bytes === undefined ? made : refusal('reading-too-large', `came ${bytes} bytes`)
}

function typeRules({ types, undeclared }: OfferRules): (type: string) => TypeRules | Refusal {
  const known = new Map<string, TypeRules>()
  for (const type of types.values()) {
    const declaredFields = new Set(type.fields.map(({ name }) => name))
    known.set(type.name, { fit: declaredFitter(type), declared: type, declaredFields })
  }
  const free: TypeRules = { fit: undeclaredFitter(remembered(isFieldName)) }
  const freeOrRefused = remembered((type): TypeRules | Refusal => {
    if (!isName(type)) return refusal('name-invalid', `type ${shown(type)}`)
    if (undeclared === 'accept') return free
    return refusal('type-undeclared', `came ${shown(type)}; declared are ${[...known.keys()].join(', ') || 'none'}`)
  })
  return (type) => known.get(type) ?? freeOrRefused(type)
}

function keyFault(item: object): Refusal | undefined {
  for (const key in item) {
    if (key !== 'type' && key !== 'sensor' && key !== 'time' && key !== 'values' && key !== 'labels') {
      return refusal('key-unknown', `came ${shown(key)}`)
    }
  }
  return undefined
}

/** Readings of one request often share their time, so the last text is remembered. */
function instantReader(): (time: unknown) => Instant | Refusal {
  let lastText = ''
  let last: Instant = { ms: 0, ns: 0 }
  return (time) => {
    if (typeof time !== 'string') return refusal('time-invalid', `came ${shown(time)}`)
    if (time === lastText) return last
    const parsed = parseInstant(time)
    if ('reason' in parsed) {
      return refusal(parsed.reason.includes('has no zone') ? 'time-without-zone' : 'time-invalid', parsed.reason)
    }
    lastText = time
    last = parsed
    return parsed
  }
}

function readSeries(text: string): Series | Refusal {
  const series = parseSeries(text)
  if (series instanceof LineFault) return refusal(series.code, series.reason)
  const own = series.tags.find(([key]) => key === 'sensor')?.[1]
  const labelled = series.tags.filter(([key]) => key !== 'sensor')
  const sensor =
    own !== undefined && isName(own) ? own : sensorFromTags(own === undefined ? labelled : [['sensor', own]])
  const labels = labelled.length === 0 ? NO_LABELS : Object.freeze(Object.fromEntries(labelled))
  return { type: series.measurement, sensor, labels }
}

/** A bounded memory of a pure function: when it is full it forgets everything and begins again. */
function remembered<T>(compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const held = known.get(text)
    if (held !== undefined) return held
    if (text.length > REMEMBERED_LENGTH_MAX) return compute(text)
    if (known.size >= REMEMBERED_MAX) known.clear()
    const key = detached(text)
    const made = compute(key)
    known.set(key, made)
    return made
  }
}

/** A text cut out of a request's body would keep the whole body in memory; this copy does not. */
function detached(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}
