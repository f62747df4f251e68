/** `tidemark indexer reconcile`: the files of every root against the index, with a verdict. It changes nothing, unless it is told that what is missing is meant to be. */

import { formatInstant } from '../../schemas/time.ts'
import { codeOf } from '../core/errors.ts'
import { suspicion } from '../core/gone-rule.ts'
import { type ComparisonCounts, compareStreams, type Difference, noCounts } from '../core/recording-comparison.ts'
import type { Settings } from '../core/settings.ts'
import type { Clock } from '../ports/clock.ts'
import type { FileTree, Hole } from '../ports/file-tree.ts'
import type { RecordingIndex, RecordingState } from '../ports/recording-index.ts'
import type { ExitCode } from './context.ts'
import { type ProgressBar, type ProgressOutput, progressBar } from './progress-bar.ts'
import { type Output, printJson } from './table.ts'

export interface ReconcileOptions {
  readonly json?: boolean | undefined
  /** The id of a root of which everything that is missing is meant to be gone. */
  readonly acceptGone?: string | undefined
}

export interface ReconcileContext extends Output, Pick<ProgressOutput, 'terminal' | 'note'> {
  readonly settings: Pick<Settings, 'goneMax' | 'settleMs'>
  readonly index: RecordingIndex
  readonly roots: readonly { readonly root: string; readonly path: string; readonly tree: FileTree }[]
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** `unreachable` and `suspicious` are verdicts on the root itself: nothing of its entries is believed to be missing. */
export type RootVerdict = 'equal' | 'differs' | 'suspicious' | 'unreachable'

interface RootReport {
  readonly root: string
  readonly path: string
  readonly verdict: RootVerdict
  readonly because: readonly string[]
  readonly equal: number
  /** On storage, not in the index. */
  readonly missing: number
  /** In the index, not on storage. */
  readonly extra: number
  /** In both, and not the same. */
  readonly differing: number
  /** Too fresh to be expected in the index. */
  readonly settling: number
  /** In the index, below folders that can't be listed. */
  readonly unknown: number
  /** Entries by state. */
  readonly states: Readonly<Partial<Record<RecordingState, number>>>
  /** The first hundred of each. */
  readonly examples: {
    readonly missing: readonly string[]
    readonly extra: readonly string[]
    readonly differing: readonly string[]
  }
}

export interface Reconciliation {
  readonly as_of: string
  readonly verdict: 'equal' | 'differs'
  readonly roots: readonly RootReport[]
}

const EXAMPLES_MAX = 100
const SHOWN_MAX = 10
/** What has changed within so many settle times need not be in the index yet. */
const FRESH_TIMES = 3

/** 0 equal · 1 differs, or a root that can't be believed. */
export async function runReconcile(
  context: ReconcileContext,
  { json, acceptGone }: ReconcileOptions,
): Promise<ExitCode> {
  if (acceptGone !== undefined) await context.index.noteRoot(acceptGone, { acceptGone: true }, context.signal)
  const found = await reconcile(context, json)
  if (json === true) await printJson(context, found)
  else await context.out(textOf(found, acceptGone))
  return found.verdict === 'equal' ? 0 : 1
}

async function reconcile(context: ReconcileContext, quiet: boolean | undefined): Promise<Reconciliation> {
  const roots: RootReport[] = []
  for (const each of context.roots) {
    const bar = progressBar(context, each.root, { unit: 'entries', quiet })
    roots.push(await reportOf(context, each, bar).finally(bar.clear))
  }
  const verdict = roots.every((each) => each.verdict === 'equal') ? 'equal' : 'differs'
  return { as_of: formatInstant({ ms: Math.floor(context.clock.wallMs()), ns: 0 }), verdict, roots }
}

type Root = ReconcileContext['roots'][number]

async function reportOf(context: ReconcileContext, { root, path, tree }: Root, bar: ProgressBar): Promise<RootReport> {
  const { index, signal, settings } = context
  const counts = noCounts()
  const seen = new Seen(context.clock.wallMs() - settings.settleMs * FRESH_TIMES)
  const states: Partial<Record<RecordingState, number>> = {}
  let read = 0
  const mark = ({ state }: { readonly state: RecordingState }): void => {
    states[state] = (states[state] ?? 0) + 1
    read += 1
    bar.show(read, undefined)
  }
  const judged = (verdict: RootVerdict, because: readonly string[]): RootReport => {
    const { equal, extra, unknown } = counts
    return { root, path, verdict, because, equal, extra, unknown, ...seen.told, states }
  }
  try {
    const before = (await index.rootNote(root, signal))?.mark
    const isOther = before !== undefined && before !== (await tree.mark())
    for await (const batch of compareStreams(tree.list(signal), index.read(root, signal), { counts, mark })) {
      for (const each of batch) seen.take(each)
    }
    const why = suspicionOf(counts, isOther, settings.goneMax)
    if (why !== undefined) return judged('suspicious', [why])
    const because = counts.holes.map(holeText)
    const { missing, differing } = seen.told
    return judged(missing + counts.extra + differing + because.length === 0 ? 'equal' : 'differs', because)
  } catch (error) {
    if (codeOf(error) !== 'root-unreachable') throw error
    return judged('unreachable', [error instanceof Error ? error.message : String(error)])
  }
}

function suspicionOf(
  { extra, held, unknown }: ComparisonCounts,
  isOther: boolean,
  goneMax: number,
): string | undefined {
  return suspicion({ extra, present: held - extra - unknown, isOther, goneMax, accepted: false })
}

function holeText({ below, code }: Hole): string {
  return `the folder ${shown(below)} can not be listed: ${code}`
}

/** What differs, and how much of it is only too fresh. */
class Seen {
  readonly #freshFromMs: number
  #counts = { missing: 0, differing: 0, settling: 0 }
  readonly #examples = { missing: [] as string[], extra: [] as string[], differing: [] as string[] }

  constructor(freshFromMs: number) {
    this.#freshFromMs = freshFromMs
  }

  take(difference: Difference): void {
    const { kind } = difference
    if (kind !== 'extra') {
      const { finding } = difference
      // What can't be looked into mends without a change that storage tells of: with the same stamp it is as the index says.
      if (kind === 'differing' && difference.mark.state === 'unreadable' && difference.mark.stamp === finding.stamp)
        return
      if (finding.changedMs > this.#freshFromMs) {
        this.#counts.settling += 1
        return
      }
      this.#counts[kind] += 1
    }
    const path = kind === 'extra' ? difference.mark.path : difference.finding.path
    if (this.#examples[kind].length < EXAMPLES_MAX) this.#examples[kind].push(path)
  }

  get told() {
    return { ...this.#counts, examples: this.#examples }
  }
}

function textOf({ verdict, roots, as_of }: Reconciliation, accepted: string | undefined): string {
  const lines = roots.flatMap((each) => [
    `${each.root} (${each.path}): ${each.verdict}: ${figures(each)}`,
    ...each.because.map((why) => `  ${why}`),
    ...(['missing', 'extra', 'differing'] as const).flatMap((kind) => listed(kind, each[kind], each.examples[kind])),
  ])
  if (accepted !== undefined) lines.push(`${accepted}: the next listing marks what is missing there as gone`)
  return `${[...lines, `${verdict} as of ${as_of}`].join('\n')}\n`
}

function figures({ equal, missing, extra, differing, settling, unknown, states }: RootReport): string {
  const bad = Object.entries(states).filter(([state]) => state !== 'final')
  return [
    `${equal} equal, ${missing} missing, ${extra} extra, ${differing} differing`,
    ...(settling === 0 ? [] : [`${settling} settling`]),
    ...(unknown === 0 ? [] : [`${unknown} unknown`]),
    `${states.final ?? 0} final`,
    ...bad.map(([state, count]) => `${count} ${state}`),
  ].join(', ')
}

function listed(kind: string, count: number, paths: readonly string[]): readonly string[] {
  const more = count - Math.min(paths.length, SHOWN_MAX)
  return [
    ...paths.slice(0, SHOWN_MAX).map((path) => `  ${kind} ${shown(path)}`),
    ...(more > 0 ? [`  ${kind}: ${more} more`] : []),
  ]
}

/** On one line, whatever is in it. */
function shown(path: string): string {
  return /^[\p{L}\p{N}\p{P}\p{S} ]*$/u.test(path) ? path : JSON.stringify(path)
}
