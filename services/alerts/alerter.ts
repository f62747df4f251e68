/** Looks at what is so, keeps the episodes, and hands their messages to the channels: beside the work of the process, never in its way. */

import type { Logger } from 'pino'
import { codeOf } from '../core/errors.ts'
import type { AlertChannel, AlertMessage } from '../ports/alert-channel.ts'
import type { Clock, Random } from '../ports/clock.ts'
import { type Episode, type EpisodeStore, type Episodes, NO_EPISODES } from '../ports/episode-store.ts'
import { ChannelSender, type SendCounts } from './channel-sender.ts'
import { advanced, type Due, nextDue, noted, onlyOf, type Sighting, withChannels } from './episodes.ts'
import { type AlertSettings, RULES, type RuleId, ruleOf } from './rules.ts'

export interface AlertSource {
  /** What it looks at. */
  readonly rules: readonly RuleId[]
  /** Throws, or leaves out a rule, where it can't tell now: episodes of that rule stay as they are. */
  look(signal: AbortSignal): Promise<readonly Sighting[]>
}

export interface AlerterOptions {
  readonly store: EpisodeStore
  readonly channels: readonly AlertChannel[]
  readonly sources: readonly AlertSource[]
  readonly settings: AlertSettings & {
    readonly alertName: string
    readonly alertEveryMs: number
    readonly alertClearAfterMs: number
    readonly alertsOff: readonly RuleId[]
  }
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface AlertCounts {
  /** Episodes that were told of and are not over, by rule. */
  readonly open: Readonly<Record<string, number>>
  readonly messages: Readonly<Record<string, SendCounts>>
}

/** More episodes than these are saved with the next look instead of after each message. */
const SAVED_AT_ONCE_MAX = 200
/** A source that takes longer can't tell now. */
const ASK_MS = 10_000

export class Alerter {
  readonly #options: AlerterOptions
  readonly #senders: readonly ChannelSender[]
  /** Sources whose last look has not come back. */
  readonly #asked = new Set<AlertSource>()
  /** What came too late for its look. */
  readonly #late = new Map<AlertSource, readonly Sighting[]>()
  #held: Episodes = NO_EPISODES
  #savedText = ''
  #saving: Promise<void> = Promise.resolve()
  #unsavable = ''

  constructor(options: AlerterOptions) {
    this.#options = options
    const { clock, random, logger } = options
    this.#senders = options.channels.map(
      (channel) =>
        new ChannelSender({
          ...{ channel, clock, random, logger },
          next: () => nextDue(this.#held, channel.name, channel.episodesMax),
          messageOf: (due) => this.#messageOf(due),
          noted: (due) => this.#noted(channel.name, due),
        }),
    )
  }

  get episodes(): readonly Episode[] {
    return this.#held.episodes
  }

  get counts(): AlertCounts {
    const open: Record<string, number> = Object.fromEntries(Object.keys(RULES).map((rule) => [rule, 0]))
    for (const { rule, openedMs, endedMs } of this.#held.episodes) {
      if (openedMs !== null && endedMs === null) open[rule] = (open[rule] ?? 0) + 1
    }
    return { open, messages: Object.fromEntries(this.#senders.map(({ name, counts }) => [name, counts])) }
  }

  /** Until the signal aborts; what has not gone out by then goes out after the next start. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, channels, sources, clock, settings, logger } = this.#options
    const names = channels.map(({ name }) => name)
    const rules = new Set<string>(
      sources.flatMap((each) => each.rules).filter((rule) => !settings.alertsOff.includes(rule)),
    )
    const known = await store.load().catch((error: unknown) => {
      logger.warn({ err: error }, 'what was known of alerts can not be read: they begin anew')
      return NO_EPISODES
    })
    this.#held = onlyOf(withChannels(known, names), rules, clock.wallMs())
    const sending = this.#senders.map((each) => each.run(signal))
    while (!signal.aborted) {
      await this.#look(signal)
      await clock.sleep(settings.alertEveryMs, signal).catch(() => undefined)
    }
    await Promise.all(sending)
    await this.#save()
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { sources, clock, random, settings } = this.#options
    const found = await Promise.all(sources.map((source) => this.#ask(source, signal)))
    if (signal.aborted) return
    const blind = new Set<string>(
      sources.flatMap((source, i) => source.rules.filter((rule) => found[i]?.every((each) => each.rule !== rule))),
    )
    const before = this.#held
    this.#held = advanced(
      before,
      found.flat().filter(({ rule }) => !settings.alertsOff.includes(rule)),
      {
        blind,
        nowMs: clock.wallMs(),
        delayMs: (rule) => ruleOf(rule).delayMs(settings),
        clearAfterMs: settings.alertClearAfterMs,
        newId: () => random.id(),
      },
    )
    for (const sender of this.#senders) sender.giveUp(forgotten(before, this.#held), before)
    await this.#save()
  }

  async #ask(source: AlertSource, signal: AbortSignal): Promise<readonly Sighting[]> {
    const late = this.#late.get(source)
    this.#late.delete(source)
    if (late !== undefined) return late
    if (this.#asked.has(source)) return []
    this.#asked.add(source)
    const { clock, logger } = this.#options
    const end = new AbortController()
    let isLate = false
    const tooLong = clock.sleep(ASK_MS, AbortSignal.any([signal, end.signal])).then(() => {
      isLate = true
      logger.warn({ rules: source.rules }, 'what an alert is about can not be found out in time')
      return []
    })
    const looked = source.look(signal).then((found) => {
      if (isLate) this.#late.set(source, found)
      return found
    })
    try {
      return await Promise.race([looked.finally(() => this.#asked.delete(source)), tooLong])
    } catch (error) {
      if (!signal.aborted) logger.debug({ err: error }, 'an alert can not be judged now')
      return []
    } finally {
      end.abort()
    }
  }

  async #noted(channel: string, due: Due): Promise<void> {
    this.#held = noted(this.#held, channel, due)
    if (this.#held.episodes.length <= SAVED_AT_ONCE_MAX) await this.#save()
  }

  /** One after the other, and only what differs in more than words. Without a disk the alerts go on in memory. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const { store, logger } = this.#options
      const held = this.#held
      const text = JSON.stringify(held, (key, value: unknown) => (key === 'summary' ? undefined : value))
      if (text === this.#savedText) return
      try {
        await store.save(held)
        this.#savedText = text
        this.#unsavable = ''
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        if (reason !== this.#unsavable) logger.warn({ err: error, code: codeOf(error) }, 'alerts can not be kept')
        this.#unsavable = reason
      }
    })
    return this.#saving
  }

  #messageOf({ event, rule, episodes }: Due): AlertMessage {
    const { severity, advice } = ruleOf(rule)
    return { event, episodes, rule, severity, advice, installation: this.#options.settings.alertName }
  }
}

/** Over for so long that they are not kept any more. */
function forgotten(before: Episodes, after: Episodes): ReadonlySet<string> {
  const kept = new Set(after.episodes.map(({ id }) => id))
  return new Set(before.episodes.flatMap(({ id, openedMs }) => (openedMs === null || kept.has(id) ? [] : [id])))
}
