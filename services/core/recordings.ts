/** What the files of a recording mean: its state, and the reason in words. */

import type { Content, Finding, Look } from '../ports/file-tree.ts'
import type { Metadata, RecordingFacts, RecordingMark, RecordingState } from '../ports/recording-index.ts'

/** A larger sidecar is broken. */
export const SIDECAR_BYTES_MAX = 1_000_000
/** A store of documents takes no deeper ones. */
const METADATA_DEPTH_MAX = 64
/** Longer paths get no entry: no index takes them. */
export const PATH_BYTES_MAX = 1_700

export interface Judgement {
  readonly state: RecordingState
  readonly reason: string
  readonly metadata?: Metadata
}

/** By what stands there alone; `undefined` where the content decides. */
export function judgeLook({ data, sidecar }: Finding): Judgement | undefined {
  const state = NO_DATA[data.kind]
  if (state !== undefined) return { state, reason: reasonOf('the data file', data) }
  if (data.kind === 'file' && data.size === 0) return { state: 'empty', reason: 'the data file has 0 bytes' }
  if (sidecar.kind === 'none') return { state: 'sidecar-missing', reason: 'there is no sidecar beside the data file' }
  if (sidecar.kind === 'unreadable') return { state: 'unreadable', reason: reasonOf('the sidecar', sidecar) }
  if (sidecar.kind !== 'file') return { state: 'sidecar-broken', reason: reasonOf('the sidecar', sidecar) }
  if (sidecar.size <= SIDECAR_BYTES_MAX) return undefined
  return broken(`${sidecar.size} bytes, at most ${SIDECAR_BYTES_MAX} are read`)
}

/** Where the content decides. */
export function judgeContent({ dataFault, sidecar }: Content): Judgement {
  if (dataFault !== undefined) {
    return { state: 'unreadable', reason: `the data file can not be read: ${dataFault}` }
  }
  if ('fault' in sidecar) return { state: 'unreadable', reason: `the sidecar can not be read: ${sidecar.fault}` }
  const metadata = parsed(sidecar.bytes)
  return typeof metadata === 'string' ? broken(metadata) : { state: 'final', reason: '', metadata }
}

/** `finalMs`: since when the files have not changed. */
export function factsOf({ data, stamp }: Finding, judgement: Judgement, finalMs: number): RecordingFacts {
  return {
    ...judgement,
    stamp,
    ...(data.kind === 'file' ? { size: data.size, modifiedMs: data.modifiedMs } : {}),
    ...(judgement.state === 'final' ? { finalMs } : {}),
  }
}

/** For an index that can't hold what the sidecar says. */
export function withoutMetadata(
  { metadata: _, finalMs: __, ...facts }: RecordingFacts,
  reason: string,
): RecordingFacts {
  return { ...facts, ...broken(`the index can not hold it: ${reason}`) }
}

export function isEntryFor(mark: Pick<RecordingMark, 'state' | 'stamp'>, { stamp }: Finding): boolean {
  return mark.stamp === stamp && !RESTLESS.has(mark.state)
}

/** States in which a recording may mend without any change that storage tells of. */
const RESTLESS: ReadonlySet<RecordingState> = new Set(['changed', 'unreadable', 'gone'])

const NO_DATA: Readonly<Record<Look['kind'], RecordingState | undefined>> = {
  file: undefined,
  none: 'data-missing',
  special: 'special-file',
  outside: 'outside-root',
  'broken-link': 'link-broken',
  unreadable: 'unreadable',
}

function reasonOf(what: string, look: Look): string {
  if (look.kind === 'none') return `${what} is missing, its sidecar is there`
  if (look.kind === 'special') return `${what} is ${look.what}`
  if (look.kind === 'outside') return `${what} is a link that leads out of the root`
  if (look.kind === 'broken-link') return `${what} is a link that leads nowhere`
  return `${what} can not be read: ${look.kind === 'unreadable' ? look.code : look.kind}`
}

function broken(why: string): Judgement {
  return { state: 'sidecar-broken', reason: `the sidecar is broken: ${why}` }
}

/** The metadata, or what is wrong with it. */
function parsed(bytes: Uint8Array): Metadata | string {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    return bytes.length === 0 ? 'it has 0 bytes' : `expected JSON in UTF-8; ${messageOf(error)}`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `expected an object of JSON, came ${value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`}`
  }
  return faultIn(value, 1) ?? (value as Metadata)
}

function faultIn(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return isUnicode(value) ? undefined : 'a text holds half a surrogate pair'
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number is larger than a double can hold'
  if (typeof value !== 'object' || value === null) return undefined
  if (depth > METADATA_DEPTH_MAX) return `nested deeper than ${METADATA_DEPTH_MAX} levels`
  for (const [name, inner] of Object.entries(value)) {
    const fault = isUnicode(name) ? faultIn(inner, depth + 1) : 'a name holds half a surrogate pair'
    if (fault !== undefined) return fault
  }
  return undefined
}

function isUnicode(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** Of a parser's message only what it complains about, not the text it shows. */
function messageOf(error: unknown): string {
  const { name, message } = error as Error
  return name === 'SyntaxError' ? message.replace(/[\p{Cc}\p{Cs}]+/gu, ' ').slice(0, 120) : 'bytes that are no UTF-8'
}
