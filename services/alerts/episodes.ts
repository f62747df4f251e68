/** How episodes open, go on and end: a pure step from what was known and what is seen now. */

import type { Episode, Episodes } from '../ports/episode-store.ts'
import type { RuleId } from './rules.ts'

/** Something that is so now. */
export interface Condition {
  readonly subject: string
  readonly summary: string
  /** Since when, where whoever looked knows that. */
  readonly sinceMs?: number
}

/** Something counted that only grows; subjects that are not there stand at 0. */
export interface Count {
  readonly subject: string
  readonly count: number
}

/** What one source sees of a rule; who can't tell says nothing of it. */
export type Sighting =
  | { readonly rule: RuleId; readonly conditions: readonly Condition[] }
  | { readonly rule: RuleId; readonly counts: readonly Count[] }

export interface Moment {
  readonly nowMs: number
  /** So long it has to be so before it is told. */
  delayMs(rule: string): number
  /** So long it has to be away before it is over. */
  readonly clearAfterMs: number
  /** Rules of which not every source could tell: nothing of them is over because it is not seen. */
  readonly blind?: ReadonlySet<string>
  newId(): string
}

const KEPT_MS = 86_400_000

/** Episodes of rules that nobody has looked at stay as they are. */
export function advanced(before: Episodes, sightings: readonly Sighting[], moment: Moment): Episodes {
  const counts: Record<string, Readonly<Record<string, number>>> = { ...before.counts }
  const seen = new Map<string, Map<string, Condition>>()
  for (const sighting of sightings) {
    const isCount = 'counts' in sighting
    const conditions = isCount ? risen(sighting.counts, before.counts[sighting.rule]) : sighting.conditions
    const all = seen.get(sighting.rule) ?? new Map<string, Condition>()
    for (const each of conditions) all.set(each.subject, each)
    seen.set(sighting.rule, all)
    if (isCount) counts[sighting.rule] = Object.fromEntries(sighting.counts.map((each) => [each.subject, each.count]))
  }
  const episodes = before.episodes.flatMap((each) => stepped(each, seen.get(each.rule), moment))
  const live = new Set(episodes.filter(({ endedMs }) => endedMs === null).map(keyOf))
  for (const [rule, conditions] of seen) {
    for (const condition of conditions.values()) {
      if (!live.has(keyOf({ rule, subject: condition.subject }))) episodes.push(begun(rule, condition, moment))
    }
  }
  return { ...before, counts, episodes: episodes.map((each) => opened(each, moment)) }
}

/** What was there at the first look was told of long ago, or happened before anybody asked to be told. */
function risen(counts: readonly Count[], told: Readonly<Record<string, number>> | undefined): readonly Condition[] {
  if (told === undefined) return []
  return counts.flatMap(({ subject, count }) => {
    const more = count - (told[subject] ?? 0)
    return more > 0 ? [{ subject, summary: `${more} more, ${count} in all` }] : []
  })
}

function begun(rule: string, { subject, summary, sinceMs }: Condition, { nowMs, newId }: Moment): Episode {
  const since = Math.min(sinceMs ?? nowMs, nowMs)
  return {
    ...{ id: newId(), rule, subject, summary, sinceMs: since, sent: {} },
    openedMs: null,
    clearSinceMs: null,
    endedMs: null,
  }
}

/** `conditions` are those of its rule, where somebody looked. */
function stepped(
  episode: Episode,
  conditions: ReadonlyMap<string, Condition> | undefined,
  { nowMs, clearAfterMs, blind }: Moment,
): readonly Episode[] {
  if (episode.endedMs !== null) return nowMs - episode.endedMs < KEPT_MS ? [episode] : []
  if (conditions === undefined) return [episode]
  const now = conditions.get(episode.subject)
  if (now !== undefined) return [{ ...episode, summary: now.summary, clearSinceMs: null }]
  if (blind?.has(episode.rule) === true) return [episode]
  // Nobody was told of it.
  if (episode.openedMs === null) return []
  const clearSinceMs = Math.min(episode.clearSinceMs ?? nowMs, nowMs)
  return [{ ...episode, clearSinceMs, endedMs: nowMs - clearSinceMs >= clearAfterMs ? nowMs : null }]
}

function opened(episode: Episode, { nowMs, delayMs }: Moment): Episode {
  if (episode.openedMs !== null) return episode
  // A clock that was set back starts the delay again.
  const sinceMs = Math.min(episode.sinceMs, nowMs)
  return { ...episode, sinceMs, openedMs: nowMs - sinceMs >= delayMs(episode.rule) ? nowMs : null }
}

function keyOf({ rule, subject }: Pick<Episode, 'rule' | 'subject'>): string {
  return `${rule} ${subject}`
}

export interface Due {
  readonly event: 'opened' | 'ended'
  readonly rule: string
  readonly episodes: readonly Episode[]
}

/** More of one rule than that make one message, where a channel takes several. */
const TOGETHER = 5

/** The next message of a channel: of each episode its opening before its end. */
export function nextDue({ episodes }: Episodes, channel: string, episodesMax: number): Due | undefined {
  const due = episodes.flatMap((episode) => {
    const event = eventDue(episode, channel)
    return event === undefined ? [] : [{ event, episode }]
  })
  const [first] = due
  if (first === undefined) return undefined
  const alike = due.filter(({ event, episode }) => event === first.event && episode.rule === first.episode.rule)
  const together = alike.length > TOGETHER ? Math.max(1, Math.min(episodesMax, alike.length)) : 1
  return {
    event: first.event,
    rule: first.episode.rule,
    episodes: alike.slice(0, together).map((each) => each.episode),
  }
}

function eventDue({ openedMs, endedMs, sent }: Episode, channel: string): 'opened' | 'ended' | undefined {
  if (openedMs === null) return undefined
  if (sent[channel] === undefined) return 'opened'
  return endedMs !== null && sent[channel] === 'opened' ? 'ended' : undefined
}

/** It went out, or was given up. */
export function noted(before: Episodes, channel: string, { event, episodes }: Due): Episodes {
  const ids = new Set(episodes.map(({ id }) => id))
  const sent = (each: Episode): Episode => ({ ...each, sent: { ...each.sent, [channel]: event } })
  return { ...before, episodes: before.episodes.map((each) => (ids.has(each.id) ? sent(each) : each)) }
}

/** What goes on of rules that nobody looks at any more is over now. */
export function onlyOf(before: Episodes, rules: ReadonlySet<string>, nowMs: number): Episodes {
  const episodes = before.episodes.flatMap((each) => {
    if (each.endedMs !== null || rules.has(each.rule)) return [each]
    return each.openedMs === null ? [] : [{ ...each, endedMs: nowMs }]
  })
  return { ...before, episodes }
}

/** A channel that is new is told of what goes on, not of what is over. */
export function withChannels(before: Episodes, channels: readonly string[]): Episodes {
  const fresh = channels.filter((each) => !before.channels.includes(each))
  const asTold = Object.fromEntries(fresh.map((each) => [each, 'ended' as const]))
  const episodes = before.episodes.map((each) =>
    each.endedMs === null ? each : { ...each, sent: { ...asTold, ...each.sent } },
  )
  return { ...before, channels, episodes }
}
