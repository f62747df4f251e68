/** What every keeper of alerts promises. */

import { describe, expect, test } from 'vitest'
import { type EpisodeStore, type Episodes, NO_EPISODES } from '../../services/ports/episode-store.ts'

export interface EpisodeStoreUnderTest extends AsyncDisposable {
  readonly store: EpisodeStore
  /** The same content, as another process would open it. */
  reopen(): EpisodeStore
}

export const SOME_EPISODES: Episodes = {
  episodes: [
    {
      ...{ id: 'e1', rule: 'store-away', subject: 'store mongodb\n"ü"', summary: 'ECONNREFUSED', sinceMs: 1_000 },
      ...{ openedMs: 2_000, clearSinceMs: null, endedMs: null, sent: { slack: 'opened', mail: 'ended' } },
    },
    {
      ...{ id: 'e2', rule: 'of-a-later-version', subject: 'g', summary: '', sinceMs: 1_000.5 },
      ...{ openedMs: null, clearSinceMs: 3_000, endedMs: 4_000, sent: {} },
    },
  ],
  counts: { conflict: { g: 3 }, 'void-or-lost': {} },
  channels: ['slack', 'mail'],
}

export function episodeStoreContract(label: string, open: () => Promise<EpisodeStoreUnderTest>): void {
  describe(`${label}: keeps alerts`, () => {
    test('nothing was saved: nothing is known', async () => {
      await using it = await open()
      expect(await it.store.load()).toEqual(NO_EPISODES)
    })

    test('what was saved last comes back, also to another process', async () => {
      await using it = await open()
      await it.store.save(SOME_EPISODES)
      await it.store.save({ ...SOME_EPISODES, channels: [] })
      await it.store.save(SOME_EPISODES)
      expect(await it.store.load()).toEqual(SOME_EPISODES)
      expect(await it.reopen().load()).toEqual(SOME_EPISODES)
    })
  })
}
