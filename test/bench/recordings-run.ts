/** One listing by an indexer in a process of its own, or the hash of one file, with what it took. Told in its argument what to do. */

import { pino } from 'pino'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { embeddedRecordingIndex } from '../../infra/embedded/recording-index.ts'
import { fileTree } from '../../infra/files/file-tree.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import { Indexer } from '../../services/indexer/indexer.ts'
import { until } from './run.ts'

export interface ListingRun {
  readonly root: string
  /** File of the index. */
  readonly data: string
  /** `idle`: everything is opened and nothing done. */
  readonly work: 'list' | 'idle' | 'hash'
}

const { root, data, work } = JSON.parse(process.argv[2] ?? '') as ListingRun
const suffixes = { dataSuffix: '.dat', sidecarSuffix: '.json' }
const tree = fileTree({ path: root, clock: systemClock, ...suffixes })
let found = 0
const fromMs = performance.now()
if (work === 'hash') await tree.hash('large.dat', Number.MAX_VALUE, new AbortController().signal)
else await list()
tell(performance.now() - fromMs)

async function list(): Promise<void> {
  await using kv = openLmdbKv(data)
  const indexer = new Indexer({
    roots: [{ root: 'root', path: root, tree }],
    index: embeddedRecordingIndex(kv),
    clock: systemClock,
    random: systemRandom,
    logger: pino({ level: 'warn' }),
    ...{ dataSuffix: suffixes.dataSuffix, settleMs: 100, listEveryMs: 3_600_000, goneMax: 100 },
  })
  if (work === 'idle') return
  const end = new AbortController()
  const run = indexer.run(end.signal)
  await until(() => indexer.status.roots[0]?.listedMs !== null)
  found = indexer.status.roots[0]?.found ?? 0
  end.abort(new Error('done'))
  await run
  await tree[Symbol.asyncDispose]()
}

function tell(ms: number): void {
  process.stdout.write(`${JSON.stringify({ ms, peakBytes: process.resourceUsage().maxRSS * 1024, found })}\n`)
}
