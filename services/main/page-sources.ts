/** What the page shows of alerts, recordings and the mirror, read from where their processes keep it. */

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { z } from 'zod'
import { readEpisodes } from '../../infra/files/episode-file.ts'
import { readStatus } from '../../infra/files/status-file.ts'
import { formatInstant } from '../../schemas/time.ts'
import { ruleOf } from '../alerts/rules.ts'
import { TidemarkError } from '../core/errors.ts'
import type { Settings } from '../core/settings.ts'
import type { RootStatus } from '../indexer/changes.ts'
import type { Episode } from '../ports/episode-store.ts'
import type { RecordingIndex, RootNote } from '../ports/recording-index.ts'
import type { AlertRow, MirrorRows, RecordingRootRow } from '../status/page-api.ts'
import { alertsDir, alertsPath, mirrorPath, recordingsPath } from './data-paths.ts'

/** As an indexer, perhaps of another version, noted it. */
const NOTED = z.object({
  root: z.string(),
  path: z.string(),
  state: z.string(),
  reason: z.string(),
  entries: z.record(z.string(), z.number()),
  settling: z.number(),
  waiting: z.number(),
  found: z.number(),
  unlistable: z.number(),
  tooLong: z.number(),
  listedMs: z.number().nullable(),
})

/** Open ones first, the newest first. */
export async function alertRows(dataDir: string): Promise<readonly AlertRow[]> {
  const known = await knownEpisodes(dataDir)
  const told = known.flatMap(({ service, episodes }) =>
    episodes.flatMap(({ openedMs, ...episode }) => (openedMs === null ? [] : [{ service, openedMs, ...episode }])),
  )
  const age = ({ endedMs, openedMs }: (typeof told)[number]): number =>
    (endedMs === null ? 0 : Number.MAX_SAFE_INTEGER) - openedMs
  return told
    .toSorted((x, y) => age(x) - age(y))
    .map(({ id, service, rule, subject, summary, sinceMs, openedMs, endedMs }) => ({
      ...{ id, service, rule, subject, summary, severity: ruleOf(rule).severity, advice: ruleOf(rule).advice },
      since: instantText(sinceMs),
      opened_at: instantText(openedMs),
      ended_at: endedMs === null ? null : instantText(endedMs),
    }))
}

/** Of every process that keeps alerts in this data directory; a file is there whole, or as it was before. */
async function knownEpisodes(
  dataDir: string,
): Promise<readonly { readonly service: string; readonly episodes: readonly Episode[] }[]> {
  const dir = alertsDir(dataDir)
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new TidemarkError('data-unusable', `${dir} can not be read: ${error.message}`, {}, error)
  })
  const services = names.flatMap((name) => (name.endsWith('.json') ? [basename(name, '.json')] : []))
  return await Promise.all(
    services.toSorted().map(async (service) => {
      const read = await readEpisodes(alertsPath(dataDir, service))
      return { service, episodes: read?.episodes ?? [] }
    }),
  )
}

/** Of the roots that are set, what the indexer noted with the index. */
export function recordingRows(
  settings: Settings,
  open: () => Promise<RecordingIndex>,
): () => Promise<readonly RecordingRootRow[]> {
  return async () => {
    const { recordingRoots = [], recordings, dataDir } = settings
    const isThere = recordings !== 'embedded' || existsSync(recordingsPath(dataDir))
    if (recordingRoots.length === 0 || !isThere) return []
    const index = await open()
    const notes = await Promise.all(recordingRoots.map(({ root }) => noteOf(index, root)))
    return recordingRoots.map(({ root, path }, i) => {
      const noted = NOTED.safeParse(notes[i]?.status)
      return noted.success ? recordingRow(noted.data) : recordingRow({ ...UNKNOWN, root, path })
    })
  }
}

/** As a mirror, perhaps of another version, wrote it. */
const MIRROR = z.object({
  savedMs: z.number(),
  ends: z.array(z.object({ end: z.string(), away: z.object({ sinceMs: z.number(), reason: z.string() }).nullable() })),
  buckets: z.array(
    z.object({
      bucket: z.string(),
      state: z.string(),
      reason: z.string(),
      points: z.number(),
      missing: z.number(),
      differing: z.number(),
      extra: z.number(),
      written: z.number(),
      left: z.number(),
      freshMs: z.number().nullable(),
      passedMs: z.number().nullable(),
    }),
  ),
})

/** It says how it stands every two seconds. */
const MIRROR_SILENT_MS = 15_000

/** Of the mirror that runs, or ran, on this data directory. */
export async function mirrorRows(dataDir: string, nowMs: number): Promise<Omit<MirrorRows, 'as_of'>> {
  const read = MIRROR.safeParse(await readStatus(mirrorPath(dataDir)))
  if (!read.success) return { told_at: null, runs: false, ends: [], buckets: [] }
  const { savedMs, ends, buckets } = read.data
  return {
    told_at: instantText(savedMs),
    runs: Math.abs(nowMs - savedMs) < MIRROR_SILENT_MS,
    ends: ends.map(({ end, away }) => ({
      end,
      away_since: away === null ? null : instantText(away.sinceMs),
      reason: away?.reason ?? '',
    })),
    buckets: buckets.map(({ freshMs, passedMs, ...row }) => ({
      ...row,
      fresh_at: freshMs === null ? null : instantText(freshMs),
      passed_at: passedMs === null ? null : instantText(passedMs),
    })),
  }
}

const ASK_MS = 8_000

async function noteOf(index: RecordingIndex, root: string): Promise<RootNote | undefined> {
  const late = AbortSignal.timeout(ASK_MS)
  try {
    return await index.rootNote(root, late)
  } catch (error) {
    if (!late.aborted) throw error
    throw new TidemarkError('store-unavailable', `the index of recordings, no answer within ${ASK_MS / 1_000} s`)
  }
}

const UNKNOWN = {
  ...{ state: 'new', reason: 'no indexer has listed it yet', entries: {}, settling: 0, waiting: 0, found: 0 },
  ...{ unlistable: 0, tooLong: 0, listedMs: null },
}

type Noted = Omit<RootStatus, 'state' | 'entries' | 'listingMs'> & Pick<RecordingRootRow, 'state' | 'entries'>

export function recordingRow({ tooLong, listedMs, ...root }: Noted): RecordingRootRow {
  const { path, state, reason, entries, settling, waiting, found, unlistable } = root
  return {
    ...{ root: root.root, path, state, reason, entries, settling, waiting, found, unlistable, too_long: tooLong },
    listed_at: listedMs === null ? null : instantText(listedMs),
  }
}

function instantText(ms: number): string {
  return formatInstant({ ms: Math.floor(ms), ns: 0 })
}
