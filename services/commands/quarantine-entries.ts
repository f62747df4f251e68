/** The open entries of the quarantine topic: every entry that no closing record names, each once. */

import type { QuarantineEntry, QuarantineRecord } from '../../schemas/records/events.ts'
import type { CommandContext } from './context.ts'

export interface OpenEntry {
  readonly entry: QuarantineEntry
  /** Of its record; its closing record gets the same. */
  readonly key: string
}

type QuarantineReader = Pick<CommandContext, 'messageLog' | 'codec' | 'signal' | 'note'>

/**
 * Reads the topic twice up to where it ended at the call, so that only ids are held in memory. An entry may stand on the topic
 * more than once (its writer repeats after a failure); its id is the same then.
 */
export async function* openEntries(context: QuarantineReader): AsyncGenerator<OpenEntry> {
  const ends = (await context.messageLog.offsets('quarantine')).map(({ next }) => next)
  const done = new Set<string>()
  for await (const { record } of recordsUpTo(context, ends)) if (record.kind === 'closed') done.add(record.id)
  for await (const { record, key } of recordsUpTo(context, ends)) {
    if (record.kind !== 'entry' || done.has(record.id)) continue
    done.add(record.id)
    yield { entry: record, key }
  }
}

async function* recordsUpTo(
  { messageLog, codec, signal, note }: QuarantineReader,
  ends: readonly number[],
): AsyncGenerator<{ readonly record: QuarantineRecord; readonly key: string }> {
  for (const [partition, until] of ends.entries()) {
    for await (const records of messageLog.tail({ topic: 'quarantine', partition, from: 'earliest', until }, signal)) {
      for (const { value, key, offset } of records) {
        const decoded = value === null ? undefined : await codec.decode('quarantine', value)
        if (decoded?.ok === true) yield { record: decoded.record, key }
        else note(`quarantine ${partition}/${offset} can't be read: ${decoded?.reason ?? 'it is empty'}\n`)
      }
    }
  }
}
