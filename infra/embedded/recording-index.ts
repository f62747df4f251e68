/** The index of recordings in the ordered key-value engine: one JSON row an entry, in the order of the paths. Contract: `services/ports/recording-index.ts`. */

import { TidemarkError } from '../../services/core/errors.ts'
import type {
  Insertion,
  NewRecording,
  Recording,
  RecordingIndex,
  RecordingMark,
  Revised,
  Revision,
  RootNote,
} from '../../services/ports/recording-index.ts'
import type { Bytes, Kv, KvTx } from './kv.ts'
import { afterPrefix, successor } from './row-keys.ts'

interface LeaseRow {
  readonly holder: string
  readonly untilMs: number
}

const BATCH = 1_000

/** `kv` stays the caller's. */
export function embeddedRecordingIndex(kv: Kv): RecordingIndex {
  let closed = false
  const open = (signal: AbortSignal): Kv => {
    signal.throwIfAborted()
    if (closed) throw new TidemarkError('closed', 'the index of recordings')
    return kv
  }
  return {
    read: (root, signal) => readAll(() => open(signal), root),
    find: async (root, path, signal) => parse<Recording>(open(signal).get(entryKey(root, path))),
    insert: async (root, recordings, signal) =>
      open(signal).write((tx) => recordings.map((recording) => insert(tx, root, recording))),
    revise: async (root, revisions, signal) =>
      open(signal).write((tx) => revisions.map((revision) => revise(tx, root, revision))),
    claim: async (root, { holder, nowMs, untilMs }, signal) =>
      open(signal).write((tx) => {
        const held = parse<LeaseRow>(tx.get(rootKey('lease', root)))
        if (held !== undefined && held.holder !== holder && held.untilMs > nowMs) return false
        tx.put(rootKey('lease', root), json({ holder, untilMs } satisfies LeaseRow))
        return true
      }),
    release: async (root, holder, signal) =>
      open(signal).write((tx) => {
        const key = rootKey('lease', root)
        if (parse<LeaseRow>(tx.get(key))?.holder === holder) tx.delete(key)
      }),
    rootNote: async (root, signal) => parse<RootNote>(open(signal).get(rootKey('note', root))),
    noteRoot: async (root, note, signal) =>
      open(signal).write((tx) => {
        const key = rootKey('note', root)
        tx.put(key, json({ ...parse<RootNote>(tx.get(key)), ...note }))
      }),
    probe: async (signal) => open(signal).write((tx) => tx.put(Buffer.from('recordings.p'), json(true))),
    [Symbol.asyncDispose]: async () => {
      closed = true
    },
  }
}

async function* readAll(kv: () => Kv, root: string): AsyncGenerator<readonly RecordingMark[]> {
  const prefix = entryKey(root, '')
  const to = afterPrefix(prefix)
  for (let from: Bytes = prefix; ; ) {
    const rows = [...kv().range({ from, to, limit: BATCH })]
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.map(({ value }) => markOf(JSON.parse(text(value)) as Recording))
    from = successor(last.key)
  }
}

function markOf({ path, state, stamp, revision, hash }: Recording): RecordingMark {
  return { path, state, stamp, revision, hashed: hash !== undefined }
}

function insert(tx: KvTx, root: string, recording: NewRecording): Insertion {
  const key = entryKey(root, recording.path)
  if (tx.get(key) !== undefined) return 'present'
  tx.put(key, json({ ...recording, revision: 1 } satisfies Recording))
  return 'made'
}

function revise(tx: KvTx, root: string, { path, from, facts, ...changed }: Revision): Revised {
  const key = entryKey(root, path)
  const held = parse<Recording>(tx.get(key))
  if (held?.revision !== from) return 'stale'
  const kept = facts === undefined ? held : { ...bare(held), ...facts }
  tx.put(key, json({ ...kept, ...changed, revision: from + 1 } satisfies Recording))
  return 'done'
}

/** What no revision changes. */
function bare({ path, id, foundMs, indexedMs }: Recording): Pick<Recording, 'path' | 'id' | 'foundMs' | 'indexedMs'> {
  return { path, id, foundMs, indexedMs }
}

function entryKey(root: string, path: string): Bytes {
  return Buffer.from(`recordings.e\0${root}\0${path}`)
}

function rootKey(kind: 'lease' | 'note', root: string): Bytes {
  return Buffer.from(`recordings.${kind}\0${root}`)
}

function json(value: unknown): Bytes {
  return Buffer.from(JSON.stringify(value))
}

function parse<T>(row: Bytes | undefined): T | undefined {
  return row === undefined ? undefined : (JSON.parse(text(row)) as T)
}

function text(row: Bytes): string {
  return Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString('utf8')
}
