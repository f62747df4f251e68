/** An index of recordings that a test can switch off, or let do what it was asked for and lose the answer. */

import { TidemarkError } from '../../services/core/errors.ts'
import type { RecordingIndex } from '../../services/ports/recording-index.ts'

export interface SwitchedIndex extends RecordingIndex {
  isAway: boolean
  /** So many of the next writes are done, and their answers lost. */
  losesAnswers: number
  /** Called before each insert; may switch it off. */
  beforeInsert: () => void
  /** The largest batch it was given. */
  batchMax: number
  probes: number
  reads: number
}

export function switchedIndex(index: RecordingIndex): SwitchedIndex {
  const away = (): TidemarkError => new TidemarkError('store-unavailable', 'switched off by the test')
  const check = (): void => {
    if (self.isAway) throw away()
  }
  const written = async <T>(items: readonly unknown[], write: () => Promise<T>): Promise<T> => {
    check()
    self.batchMax = Math.max(self.batchMax, items.length)
    const told = await write()
    check()
    if (self.losesAnswers === 0) return told
    self.losesAnswers -= 1
    throw away()
  }
  const self: SwitchedIndex = {
    isAway: false,
    losesAnswers: 0,
    beforeInsert: () => undefined,
    batchMax: 0,
    probes: 0,
    reads: 0,
    read: async function* (root, signal) {
      check()
      self.reads += 1
      for await (const batch of index.read(root, signal)) {
        check()
        yield batch
      }
    },
    find: async (root, path, signal) => {
      check()
      return index.find(root, path, signal)
    },
    insert: (root, recordings, signal) => {
      self.beforeInsert()
      return written(recordings, () => index.insert(root, recordings, signal))
    },
    revise: (root, revisions, signal) => written(revisions, () => index.revise(root, revisions, signal)),
    claim: async (root, claim, signal) => {
      check()
      return index.claim(root, claim, signal)
    },
    release: async (root, holder, signal) => {
      check()
      await index.release(root, holder, signal)
    },
    rootNote: async (root, signal) => {
      check()
      return index.rootNote(root, signal)
    },
    noteRoot: async (root, note, signal) => {
      check()
      await index.noteRoot(root, note, signal)
    },
    probe: async (signal) => {
      self.probes += 1
      check()
      await index.probe(signal)
    },
    [Symbol.asyncDispose]: () => index[Symbol.asyncDispose](),
  }
  return self
}
