/** An indexer on a clock that the test moves, over files and an index in memory. */

import { pino } from 'pino'
import { embeddedRecordingIndex } from '../../infra/embedded/recording-index.ts'
import type { IndexerChange } from '../../services/indexer/changes.ts'
import { Indexer, type IndexerOptions } from '../../services/indexer/indexer.ts'
import type { Recording } from '../../services/ports/recording-index.ts'
import { collected } from './collected.ts'
import { type ManualClock, manualClock, seededRandom, settle } from './manual-clock.ts'
import { memoryDisk, memoryKv } from './memory-kv.ts'
import { type MemoryTree, memoryTree } from './memory-tree.ts'
import { type SwitchedIndex, switchedIndex } from './switched-index.ts'

export const ROOT = 'root'
const NEVER = new AbortController().signal

export interface Indexing extends AsyncDisposable {
  readonly clock: ManualClock
  readonly tree: MemoryTree
  readonly index: SwitchedIndex
  readonly changes: IndexerChange[]
  /** The one that was begun last. */
  indexer: Indexer
  readonly running: Running[]
  /** Begins another one beside those that run, over the same files. */
  begin(options?: Partial<IndexerOptions>): Running
  entries(): Promise<readonly Recording[]>
  entry(path: string): Promise<Recording | undefined>
  /** Paths of entries by state. */
  states(): Promise<Readonly<Record<string, readonly string[]>>>
}

export interface Running {
  readonly indexer: Indexer
  /** As SIGTERM ends it. */
  end(): Promise<void>
  /** As a crash ends it: nothing it does afterwards reaches the index. */
  kill(): Promise<void>
}

/** Settles for 2 s, lists every minute, lets 10 go at once. */
export function indexing(): Indexing {
  const clock = manualClock()
  const tree = memoryTree(clock)
  const index = switchedIndex(embeddedRecordingIndex(memoryKv(memoryDisk())))
  const changes: IndexerChange[] = []
  const running: Running[] = []
  let seed = 1
  const entries = async (): Promise<readonly Recording[]> => {
    const { isAway } = index
    index.isAway = false
    const marks = await collected(index.read(ROOT, NEVER))
    const found = await Promise.all(marks.map(({ path }) => index.find(ROOT, path, NEVER)))
    index.isAway = isAway
    return found.filter((each) => each !== undefined)
  }
  const begin = (options: Partial<IndexerOptions> = {}): Running => {
    const end = new AbortController()
    const own = switchedIndex(index)
    const files = seed === 1 ? tree : sharing(clock, tree)
    const indexer = new Indexer({
      roots: [{ root: ROOT, path: '/recordings', tree: files }],
      index: own,
      clock,
      random: seededRandom(seed++),
      logger: pino({ level: 'silent' }),
      told: (change) => changes.push(change),
      ...{ dataSuffix: '.dat', settleMs: 2_000, listEveryMs: 60_000, goneMax: 10 },
      ...options,
    })
    const run = indexer.run(end.signal)
    run.catch(() => undefined)
    const each: Running = {
      indexer,
      end: async () => {
        end.abort(new Error('ended by the test'))
        await run
      },
      kill: async () => {
        own.isAway = true
        end.abort(new Error('killed by the test'))
        await settle()
      },
    }
    running.push(each)
    self.indexer = indexer
    return each
  }
  const self: Indexing = {
    ...{ clock, tree, index, changes, running, begin, entries },
    indexer: undefined as unknown as Indexer,
    entry: async (path) => (await entries()).find((each) => each.path === path),
    states: async () => {
      const states: Record<string, string[]> = {}
      for (const { state, path } of await entries()) states[state] = [...(states[state] ?? []), path]
      return states
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of running) await each.end().catch(() => undefined)
    },
  }
  return self
}

/** Another watcher of the same files. */
function sharing(clock: ManualClock, { files, looks }: MemoryTree): MemoryTree {
  return Object.assign(memoryTree(clock, files), { looks, isSilent: true })
}
