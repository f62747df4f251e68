/** Where a process keeps the alerts it has opened, so that a restart neither repeats nor forgets one. Adapter: `infra/files/episode-file.ts`. Contract: `test/contract/episode-store.ts`. */

export type Severity = 'critical' | 'warning'

/** From when a condition was seen first to when it has been away for long enough. */
export interface Episode {
  readonly id: string
  /** One of `services/alerts/rules.ts`; a store may hold those of another version. */
  readonly rule: string
  /** The gateway, engine or root that it is about. */
  readonly subject: string
  /** What is so, for a person; as it was seen last. */
  readonly summary: string
  /** Wall times in ms: since when it is so; told from then on; not seen any more since; over. */
  readonly sinceMs: number
  readonly openedMs: number | null
  readonly clearSinceMs: number | null
  readonly endedMs: number | null
  /** By channel: the last message of it that went out, or was given up. */
  readonly sent: Readonly<Record<string, 'opened' | 'ended'>>
}

export interface Episodes {
  /** Those that are not over, and those that were over since a day or wait for a message. */
  readonly episodes: readonly Episode[]
  /** Of rules that count: what was told already, by rule and subject. A rule that is not there has not been looked at yet. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** The channels that messages went to: a new one is not told of what is over. */
  readonly channels: readonly string[]
}

export const NO_EPISODES: Episodes = { episodes: [], counts: {}, channels: [] }

export interface EpisodeStore {
  /** What was saved last; `NO_EPISODES` where nothing was, or nothing that can be read. */
  load(): Promise<Episodes>
  /** Resolves when it is durable. Wait for it before the next one. */
  save(episodes: Episodes): Promise<void>
}
