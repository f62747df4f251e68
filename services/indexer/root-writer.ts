/** Brings what was found to the index: reads what has to be read, inserts or revises in bounded batches, and copes with whoever was quicker. */

import pLimit from 'p-limit'
import type { Logger } from 'pino'
import {
  factsOf,
  isEntryFor,
  type Judgement,
  judgeContent,
  judgeLook,
  PATH_BYTES_MAX,
  SIDECAR_BYTES_MAX,
  withoutMetadata,
} from '../core/recordings.ts'
import type { Clock } from '../ports/clock.ts'
import type { FileTree, Finding } from '../ports/file-tree.ts'
import type {
  NewRecording,
  RecordingFacts,
  RecordingIndex,
  RecordingMark,
  RecordingState,
  Revision,
} from '../ports/recording-index.ts'
import type { Known } from './settling.ts'

/** Something on storage that has come to rest. */
export interface Rested {
  readonly finding: Finding
  readonly known: Known
  readonly foundMs: number
  readonly finalMs: number
  /** Where it was read already. */
  readonly judgement?: Judgement | undefined
}

export interface RootWriterOptions {
  readonly root: string
  readonly tree: FileTree
  readonly index: RecordingIndex
  readonly clock: Clock
  readonly logger: Logger
  readonly dataSuffix: string
  /** Told of every entry that was made or has another state now. */
  moved(from: RecordingState | undefined, to: RecordingState): void
  /** Told the path of every entry that is final now and has no hash. */
  unhashed(path: string): void
  /** Told when more turned out to be in the index than can be looked up one by one: a listing knows. */
  unclear(): void
}

interface Judged {
  readonly rested: Rested
  readonly facts: RecordingFacts
}

const READS_AT_ONCE = 16
/** Written at once; as many are read meanwhile. */
const PART_MAX = 500
const PART_BYTES = 16_000_000
/** So many entries of one part are looked up one by one; where there are more, the next listing knows. */
const LOOKUPS_MAX = 20
const LOOKUPS_AT_ONCE = 4
/** Somebody else may revise the same entry in between, so often. */
const TRIES = 3

export class RootWriter {
  readonly #options: RootWriterOptions
  readonly #reads = pLimit(READS_AT_ONCE)
  readonly #lookups = pLimit(LOOKUPS_AT_ONCE)

  constructor(options: RootWriterOptions) {
    this.#options = options
  }

  /** Of different paths. While some are written, the next ones are read. Throws as the index does; then nothing is known of any of them. */
  async write(all: readonly Rested[], signal: AbortSignal): Promise<void> {
    let writing = Promise.resolve()
    for (const part of inParts(all.filter(({ finding }) => isIndexable(finding.path)))) {
      const judged = await this.#judge(part)
      await writing
      signal.throwIfAborted()
      writing = this.#writeSome(judged, signal)
      // It is waited for in the next round; that it fails before must not end the process.
      writing.catch(() => undefined)
    }
    await writing
  }

  /** Those that still have the state they had. */
  async mark(
    marks: readonly RecordingMark[],
    state: 'changed' | 'gone',
    reason: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { root, index, clock, moved } = this.#options
    const revisedMs = clock.wallMs()
    const revisions = marks.map(({ path, revision }) => ({ path, from: revision, revisedMs, state, reason }))
    const told = revisions.length === 0 ? [] : await index.revise(root, revisions, signal)
    for (const [i, { state: before }] of marks.entries()) if (told[i] === 'done') moved(before, state)
  }

  /** Reads what has to be read. */
  async judge(finding: Finding): Promise<Judgement> {
    const content = () => this.#options.tree.content(finding.path, SIDECAR_BYTES_MAX)
    return judgeLook(finding) ?? judgeContent(await this.#reads(content))
  }

  #judge(all: readonly Rested[]): Promise<readonly Judged[]> {
    return Promise.all(
      all.map(async (rested) => {
        const { finding, finalMs } = rested
        return { rested, facts: factsOf(finding, rested.judgement ?? (await this.judge(finding)), finalMs) }
      }),
    )
  }

  async #writeSome(judged: readonly Judged[], signal: AbortSignal): Promise<void> {
    const isNew = ({ rested }: Judged): boolean => rested.known === undefined || rested.known === 'unknown'
    const present = await this.#insert(judged.filter(isNew), signal)
    const looked = present.length > LOOKUPS_MAX ? [] : present
    if (looked.length < present.length) this.#options.unclear()
    const changed = judged.flatMap(({ rested, facts }) =>
      typeof rested.known === 'object' ? [{ facts, rested, mark: rested.known }] : [],
    )
    const found = await Promise.all(
      looked.map((each) =>
        this.#lookups(async () => ({ ...each, mark: await this.#find(each.rested.finding.path, signal) })),
      ),
    )
    await this.#revise(
      [...changed, ...found.flatMap(({ mark, ...each }) => (mark === undefined ? [] : [{ ...each, mark }]))],
      signal,
    )
  }

  /** Resolves with those that have an entry already. */
  async #insert(judged: readonly Judged[], signal: AbortSignal): Promise<readonly Judged[]> {
    if (judged.length === 0) return []
    const { root, index } = this.#options
    const told = await index.insert(
      root,
      judged.map((each) => this.#newRecording(each)),
      signal,
    )
    const refused: Judged[] = []
    const present = judged.filter((each, i) => {
      const answer = told[i]
      if (answer === 'made') this.#note(undefined, each)
      else if (typeof answer === 'object') refused.push(...this.#without(each, answer.refused))
      return answer === 'present'
    })
    return [...present, ...(await this.#insert(refused, signal))]
  }

  async #revise(
    all: readonly (Judged & { readonly mark: RecordingMark })[],
    signal: AbortSignal,
    tries = TRIES,
  ): Promise<void> {
    const { root, index, clock } = this.#options
    const wanted = all.filter(({ facts, mark }) => facts.state !== mark.state || facts.stamp !== mark.stamp)
    if (wanted.length === 0 || tries === 0) return
    const revisedMs = clock.wallMs()
    const revisions = wanted.map(
      ({ facts, mark }): Revision => ({ path: mark.path, from: mark.revision, revisedMs, facts }),
    )
    const told = await index.revise(root, revisions, signal)
    const again: (Judged & { readonly mark: RecordingMark })[] = []
    for (const [i, each] of wanted.entries()) {
      const answer = told[i]
      if (answer === 'done') this.#note(each.mark.state, each)
      else if (typeof answer === 'object')
        again.push(...this.#without(each, answer.refused).map((it) => ({ ...it, mark: each.mark })))
      else {
        const mark = await this.#find(each.mark.path, signal)
        if (mark !== undefined && !isEntryFor(mark, each.rested.finding)) again.push({ ...each, mark })
      }
    }
    await this.#revise(again, signal, tries - 1)
  }

  async #find(path: string, signal: AbortSignal): Promise<RecordingMark | undefined> {
    const found = await this.#options.index.find(this.#options.root, path, signal)
    return found === undefined ? undefined : { ...found, hashed: found.hash !== undefined }
  }

  #newRecording({ rested: { finding, foundMs }, facts }: Judged): NewRecording {
    const { path } = finding
    const id = path.slice(path.lastIndexOf('/') + 1, -this.#options.dataSuffix.length)
    return { path, id, ...facts, foundMs, indexedMs: this.#options.clock.wallMs() }
  }

  #note(before: RecordingState | undefined, { facts, rested }: Judged): void {
    if (before !== facts.state) this.#options.moved(before, facts.state)
    if (facts.state === 'final') this.#options.unhashed(rested.finding.path)
  }

  /** The same without its metadata, once; what is refused without them too is said and left out. */
  #without({ rested, facts }: Judged, reason: string): readonly Judged[] {
    if (facts.metadata !== undefined) return [{ rested, facts: withoutMetadata(facts, reason) }]
    const { root, logger } = this.#options
    logger.error({ root, path: rested.finding.path, reason }, 'the index can not hold an entry for a recording')
    return []
  }
}

export function isIndexable(path: string): boolean {
  return path.length * 3 <= PATH_BYTES_MAX || new TextEncoder().encode(path).length <= PATH_BYTES_MAX
}

function* inParts(all: readonly Rested[]): Generator<readonly Rested[]> {
  let part: Rested[] = []
  let bytes = 0
  for (const each of all) {
    const { sidecar } = each.finding
    part.push(each)
    bytes += sidecar.kind === 'file' ? Math.min(sidecar.size, SIDECAR_BYTES_MAX) : 0
    if (bytes < PART_BYTES && part.length < PART_MAX) continue
    yield part
    part = []
    bytes = 0
  }
  if (part.length > 0) yield part
}
