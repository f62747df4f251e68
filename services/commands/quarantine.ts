/** `tidemark quarantine`: the dead letters, and what an operator may do with them: look, send again, or let go. */

import type { ReadingBatch } from '../../schemas/records/batch.ts'
import type { QuarantineClosed, QuarantineEntry } from '../../schemas/records/events.ts'
import { formatInstant } from '../../schemas/time.ts'
import { TidemarkError } from '../core/errors.ts'
import { headersOf } from '../core/headers.ts'
import type { Outgoing } from '../ports/message-log.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { type OpenEntry, openEntries } from './quarantine-entries.ts'
import { printJson, printRows } from './table.ts'

const RAW_BYTES_SHOWN = 256

export interface QuarantineListOptions {
  readonly json?: boolean | undefined
}

export interface QuarantineShowOptions {
  readonly id: string
}

export interface QuarantineChoice {
  readonly ids: readonly string[]
  readonly all?: boolean | undefined
  /** Kept in the closing record. */
  readonly reason?: string | undefined
}

/** Where an entry goes when it is sent again, or why it can't be. */
type Redrive =
  | { readonly topic: 'readings' | 'recovery_data'; readonly record: Outgoing }
  | { readonly refused: string }

export async function runQuarantineList(context: CommandContext, { json }: QuarantineListOptions): Promise<ExitCode> {
  const rows = []
  for await (const { entry } of openEntries(context)) rows.push(entryRow(entry))
  await printRows(context, rows, { json, nothing: 'the quarantine is empty' })
  return 0
}

/** One JSON document: the entry, what can be decoded of it, and its first bytes. */
export async function runQuarantineShow(context: CommandContext, { id }: QuarantineShowOptions): Promise<ExitCode> {
  for await (const { entry } of chosen(context, { ids: [id] })) {
    const { raw, ...facts } = entry
    const decoded = await context.codec.decode(entry.source.topic, raw)
    await printJson(context, {
      ...facts,
      time: formatInstant({ ms: entry.timeMs, ns: 0 }),
      content: decoded.ok ? readable(decoded.record) : decoded.reason,
      rawBytes: raw.length,
      rawStart: hex(raw.subarray(0, RAW_BYTES_SHOWN)),
    })
  }
  return 0
}

/** A reading lands at the next free nanosecond; a record that could not be read is put back where it came from. Exit code 1 when one was refused. */
export async function runQuarantineRedrive(context: CommandContext, choice: QuarantineChoice): Promise<ExitCode> {
  let refusals = 0
  for await (const open of chosen(context, choice)) {
    context.signal.throwIfAborted()
    const redrive = await redriveOf(context, open.entry)
    if ('refused' in redrive) {
      refusals++
      await context.out(`${open.entry.id}: not sent again: ${redrive.refused}\n`)
      continue
    }
    await context.messageLog.produce(redrive.topic, [redrive.record], context.signal)
    await close(context, open, 'redriven', choice.reason ?? 'by an operator')
    await context.out(`${open.entry.id}: sent again on ${redrive.topic}\n`)
  }
  return refusals === 0 ? 0 : 1
}

/** The entries stay on the topic, closed with the reason; what they held stays settled and is not asked for again. */
export async function runQuarantineDiscard(context: CommandContext, choice: QuarantineChoice): Promise<ExitCode> {
  for await (const open of chosen(context, choice)) {
    context.signal.throwIfAborted()
    await close(context, open, 'discarded', choice.reason ?? 'by an operator')
    await context.out(`${open.entry.id}: discarded\n`)
  }
  return 0
}

/** Named ones are all found before anything is done to the first. */
async function* chosen(context: CommandContext, { ids, all }: QuarantineChoice): AsyncGenerator<OpenEntry> {
  if (all === true) return yield* openEntries(context)
  const found: OpenEntry[] = []
  for await (const open of openEntries(context)) if (ids.includes(open.entry.id)) found.push(open)
  const unknown = ids.filter((id) => !found.some(({ entry }) => entry.id === id))
  if (unknown.length > 0 || ids.length === 0) {
    const came = ids.length === 0 ? 'no id came' : `none is open under ${unknown.join(', ')}`
    throw new TidemarkError('usage-wrong', `${came}; 'tidemark quarantine list' shows the open ones`)
  }
  yield* found
}

async function redriveOf({ codec }: CommandContext, entry: QuarantineEntry): Promise<Redrive> {
  const { source, raw, gateway, code } = entry
  if (code === 'key-mismatch')
    return { refused: `its key is not its gateway (${entry.reason}); its positions are asked for again` }
  if (code === 'undecodable' || code === 'unknown-schema') {
    return { topic: source.topic, record: { key: gateway, partition: source.partition, value: raw } }
  }
  const decoded = await codec.decode(source.topic, raw)
  if (!decoded.ok) return { refused: `it can't be decoded: ${decoded.reason}` }
  if (decoded.record.kind !== 'batch') return { refused: 'it holds no reading' }
  const batch = redriveBatch(entry.id, decoded.record)
  const value = await codec.encode('recovery_data', batch)
  return { topic: 'recovery_data', record: { key: batch.gateway, value, headers: headersOf(batch) } }
}

/** An answer nobody asked for: only its readings count, and a conflict lands at the next free nanosecond. */
function redriveBatch(id: string, { gateway, epoch, type, readings }: ReadingBatch): ReadingBatch {
  const answer = { requestId: `redrive:${id}`, part: 1, lastPart: true, unavailable: [], redrive: true }
  return { kind: 'batch', gateway, epoch, type, answer, readings }
}

async function close(
  { messageLog, codec, clock, signal }: CommandContext,
  { entry, key }: OpenEntry,
  how: QuarantineClosed['how'],
  reason: string,
): Promise<void> {
  const closing: QuarantineClosed = { kind: 'closed', id: entry.id, timeMs: clock.wallMs(), how, reason }
  await messageLog.produce('quarantine', [{ key, value: await codec.encode('quarantine', closing) }], signal)
}

function entryRow({ id, timeMs, code, gateway, store, source, identity, attempts, reason }: QuarantineEntry) {
  const time = identity === undefined ? '' : formatInstant(identity)
  return {
    id,
    since: formatInstant({ ms: timeMs, ns: 0 }),
    code,
    gateway,
    store,
    from: `${source.topic} ${source.partition}/${source.firstOffset}`,
    reading: identity === undefined ? '' : `${identity.type} ${identity.sensor} ${time}`,
    attempts,
    reason,
  }
}

/** Bytes as hex, integers as text, so that it fits JSON. */
function readable(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(readable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, readable(each)]))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
