/** What the page is told of alerts and recordings: read from where other processes keep it, whatever stands there. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { episodeFile } from '../../../infra/files/episode-file.ts'
import { parseSettings } from '../../../services/core/settings.ts'
import { alertsPath, recordingsPath } from '../../../services/main/data-paths.ts'
import { alertRows, recordingRows } from '../../../services/main/page-sources.ts'
import type { RecordingIndex } from '../../../services/ports/recording-index.ts'
import { episode } from '../../contract/alert-channel.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

async function dataDir(): Promise<string> {
  const dir = await temporaryDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  return dir.path
}

function settingsOf(env: Readonly<Record<string, string>>) {
  const parsed = parseSettings({ env })
  if (!parsed.ok) throw new Error(parsed.faults.join('; '))
  return parsed.settings
}

test('alerts of every process stand in one list: open ones first, the newest first, without those that nobody was told of', async () => {
  const dir = await dataDir()
  expect(await alertRows(dir)).toEqual([])
  const save = (service: string, ...episodes: ReturnType<typeof episode>[]) =>
    episodeFile(alertsPath(dir, service), () => undefined).save({ episodes, counts: {}, channels: [] })
  await save('sink mongodb', episode('old', { openedMs: 1_000 }), episode('waits', { openedMs: null }))
  await save('up', episode('over', { openedMs: 5_000, endedMs: 6_000 }), episode('new', { openedMs: 2_000 }))
  await writeFile(alertsPath(dir, 'broken'), '{')
  const rows = await alertRows(dir)
  // Not an all-clear where nothing can be read.
  await mkdir(alertsPath(dir, 'no-file'))
  await expect(alertRows(dir)).rejects.toMatchObject({ code: 'data-unusable' })
  expect(rows.map(({ service, subject }) => `${service} ${subject}`)).toEqual(['up new', 'sink-mongodb old', 'up over'])
  expect(rows[0]).toMatchObject({ severity: 'critical', advice: expect.stringContaining('doctor'), ended_at: null })
  expect(rows[2]?.ended_at).toBe('1970-01-01T00:00:06Z')
})

const NOTED = {
  ...{ root: 'cellar', path: '/mnt/cellar', state: 'sound', reason: '', entries: { final: 3 }, settling: 0 },
  ...{ waiting: 1, found: 4, unlistable: 0, tooLong: 2, listedMs: 1_000, listingMs: 5 },
}

test('each root that is set says what the indexer noted last, or that none has', async () => {
  const settings = settingsOf({
    TIDEMARK_RECORDING_ROOTS: 'cellar=/mnt/cellar,roof=/mnt/roof,odd=/mnt/odd',
    TIDEMARK_RECORDINGS: 'mongodb',
    TIDEMARK_MONGODB_URL: 'mongodb://127.0.0.1/t',
  })
  const notes: Readonly<Record<string, unknown>> = { cellar: NOTED, odd: { of: 'a later version' } }
  const index = { rootNote: async (root: string) => ({ status: notes[root] }) } as unknown as RecordingIndex
  const rows = await recordingRows(settings, async () => index)()
  expect(rows.map(({ root, state }) => [root, state])).toEqual([
    ['cellar', 'sound'],
    ['roof', 'new'],
    ['odd', 'new'],
  ])
  const { tooLong, listedMs, listingMs: _, ...same } = NOTED
  expect(rows[0]).toEqual({ ...same, too_long: tooLong, listed_at: `1970-01-01T00:00:0${listedMs / 1_000}Z` })
  expect(rows[1]?.reason).toBe('no indexer has listed it yet')
})

test('an index that is no file yet is not made by looking', async () => {
  const dir = await dataDir()
  const never = async (): Promise<never> => {
    throw new Error('opened')
  }
  const here = settingsOf({ TIDEMARK_DATA_DIR: dir, TIDEMARK_RECORDING_ROOTS: 'cellar=/mnt/cellar' })
  expect(await recordingRows(here, never)()).toEqual([])
  expect(await recordingRows(settingsOf({ TIDEMARK_DATA_DIR: dir }), never)()).toEqual([])
  await mkdir(join(recordingsPath(dir), '..'), { recursive: true })
  await writeFile(recordingsPath(dir), '')
  await expect(recordingRows(here, never)()).rejects.toThrow('opened')
})
