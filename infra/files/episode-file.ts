/** The alerts of a process in a file of its own: whole, or as it was before. A file and no database, because "the database is away" has to outlive a restart. */

import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { TidemarkError } from '../../services/core/errors.ts'
import { type EpisodeStore, type Episodes, NO_EPISODES } from '../../services/ports/episode-store.ts'

const EPISODES = z.object({
  episodes: z.array(
    z.object({
      id: z.string(),
      rule: z.string(),
      subject: z.string(),
      summary: z.string(),
      sinceMs: z.number(),
      openedMs: z.number().nullable(),
      clearSinceMs: z.number().nullable(),
      endedMs: z.number().nullable(),
      sent: z.record(z.string(), z.enum(['opened', 'ended'])),
    }),
  ),
  counts: z.record(z.string(), z.record(z.string(), z.number())),
  channels: z.array(z.string()),
})

/** `broken` is told of a file that can't be read; it stands beside, with `.broken` after its name. */
export function episodeFile(path: string, broken: (reason: string) => void): EpisodeStore {
  return {
    load: async () => {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
      const read = text === undefined ? NO_EPISODES : episodesIn(text)
      if (typeof read !== 'string') return read
      await rename(path, `${path}.broken`)
      broken(read)
      return NO_EPISODES
    },
    save: async (episodes) => {
      await mkdir(dirname(path), { recursive: true })
      // Another process may write the same file, though it should not.
      const next = `${path}.${process.pid}.new`
      await rm(next, { force: true })
      {
        await using file = await open(next, 'wx', 0o600)
        await file.writeFile(JSON.stringify(episodes))
        await file.sync()
      }
      await rename(next, path)
      await using folder = await open(dirname(path), 'r')
      await folder.sync()
    },
  }
}

/** For who only looks: `undefined` where there is no such file, or not a whole one. Throws `data-unusable` where it may not be read. */
export async function readEpisodes(path: string): Promise<Episodes | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new TidemarkError('data-unusable', `${path} can not be read: ${error.message}`, {}, error)
  })
  const read = text === undefined ? undefined : episodesIn(text)
  return typeof read === 'string' ? undefined : read
}

/** Or why it is none. */
function episodesIn(text: string): Episodes | string {
  try {
    return EPISODES.parse(JSON.parse(text))
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 200) : String(error)
  }
}
