/** What `tidemark mirror --once` and `tidemark mirror verify` say at their end, in words, as JSON and as exit codes. */

import { formatInstant } from '../../schemas/time.ts'
import { type BucketStatus, type BucketTally, exceptionsIn, type Tally } from '../core/mirror-status.ts'
import type { ExitCode } from './context.ts'
import { counted, type ProgressOutput, progressBar } from './progress-bar.ts'
import { type Output, printJson } from './table.ts'

export interface MirrorOptions {
  readonly once?: boolean
  /** Copies from the target to the source. */
  readonly swap?: boolean
  /** Takes out of the target what it has alone. */
  readonly delete?: boolean
  readonly yes?: boolean
  readonly deep?: boolean
  /** `HTTP_PORT`. */
  readonly port?: string
}

export interface MirrorVerifyOptions {
  readonly json?: boolean | undefined
  readonly deep?: boolean | undefined
}

/** 0 all equal · 1 one differs or can't be mirrored · 3 equal but for exceptions. */
export async function sayMirrored(output: Output, buckets: readonly BucketStatus[]): Promise<ExitCode> {
  for (const { bucket, state, reason, points, written, removed } of buckets) {
    const deleted = removed === 0 ? '' : `, ${counted(removed)} deleted`
    const figures = `${counted(points)} points, ${counted(written)} written${deleted}`
    await output.out(`${bucket}: ${state}: ${figures}${reason === '' ? '' : `; ${reason}`}\n`)
  }
  if (buckets.every(({ state }) => state === 'equal')) return 0
  return buckets.every(({ state }) => state === 'equal' || state === 'exceptions') ? 3 : 1
}

export interface MirrorVerifyContext extends Output, ProgressOutput {
  readonly buckets: readonly string[]
  /** `progress` is told the points that were compared so far. */
  verify(bucket: string, deep: boolean, progress: (points: number) => void): Promise<BucketTally>
}

type Verdict = 'equal' | 'exceptions' | 'differs'

interface BucketReport extends Tally {
  readonly bucket: string
  readonly verdict: Verdict
  readonly outside_retention: number
  readonly series: readonly (Tally & {
    readonly measurement: string
    readonly tags: Readonly<Record<string, string>>
  })[]
}

const SHOWN_MAX = 20

/** 0 equal · 1 points are missing or differ · 3 equal but for points at the target alone, or older than it keeps. */
export async function runMirrorVerify(
  context: MirrorVerifyContext,
  { json, deep = false }: MirrorVerifyOptions,
): Promise<ExitCode> {
  const { buckets, clock } = context
  const asOf = formatInstant({ ms: Math.floor(clock.wallMs()), ns: 0 })
  const reports: BucketReport[] = []
  for (const bucket of buckets) {
    const bar = progressBar(context, bucket, { unit: 'points', quiet: json })
    const progress = (points: number): void => bar.show(points, undefined)
    const tally = await context.verify(bucket, deep, progress).finally(bar.clear)
    reports.push(reportOf(bucket, tally))
  }
  const verdict = worst(reports)
  if (json === true) await printJson(context, { as_of: asOf, verdict, deep, buckets: reports })
  else await context.out(`${[...reports.flatMap(linesOf), `${verdict} as of ${asOf}`].join('\n')}\n`)
  return { equal: 0, differs: 1, exceptions: 3 }[verdict] as ExitCode
}

function reportOf(bucket: string, { outsideRetention, series, ...tally }: BucketTally): BucketReport {
  const { missing, differing, extra } = tally
  const isExcepted = extra + outsideRetention > 0
  const verdict = missing + differing > 0 ? 'differs' : isExcepted ? 'exceptions' : 'equal'
  const rows = series.map(({ series: { measurement, tags }, ...each }) => ({
    measurement,
    tags: Object.fromEntries(tags),
    ...each,
  }))
  return { bucket, verdict, ...tally, outside_retention: outsideRetention, series: rows }
}

function worst(reports: readonly BucketReport[]): Verdict {
  if (reports.some(({ verdict }) => verdict === 'differs')) return 'differs'
  return reports.some(({ verdict }) => verdict === 'exceptions') ? 'exceptions' : 'equal'
}

function linesOf({ bucket, verdict, outside_retention, series, ...tally }: BucketReport): readonly string[] {
  const unequal = series.filter(({ missing, extra, differing }) => missing + extra + differing > 0)
  const more = unequal.length - SHOWN_MAX
  return [
    `${bucket}: ${verdict}: ${figures(tally)} in ${counted(series.length)} series`,
    ...exceptionsIn({ ...NO_FIGURES, outsideRetention: outside_retention }).map((each) => `  ${each}`),
    ...unequal.slice(0, SHOWN_MAX).map((each) => `  ${nameOf(each)}: ${figures(each)}`),
    ...(more > 0 ? [`  ${counted(more)} more series differ; --json has all`] : []),
  ]
}

const NO_FIGURES = {
  points: 0,
  missing: 0,
  differing: 0,
  extra: 0,
  refused: 0,
  refusedBecause: '',
  outsideRetention: 0,
}

function figures({ equal, missing, extra, differing }: Tally): string {
  return `${counted(equal)} equal, ${counted(missing)} missing, ${counted(extra)} extra, ${counted(differing)} differing`
}

/** On one line, whatever is in it. */
function nameOf({ measurement, tags }: BucketReport['series'][number]): string {
  const text = [measurement, ...Object.entries(tags).map(([name, value]) => `${name}=${value}`)].join(' ')
  return /^[\p{L}\p{N}\p{P}\p{S} ]*$/u.test(text) ? text : JSON.stringify(text)
}
