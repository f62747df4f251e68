/** Whether the engines of a process answer: waiting for them at its start, and saying so at any time. */

import { delayMs } from '../core/delay.ts'
import { addressSetting, registrySetting } from '../core/engine-settings.ts'
import { TidemarkError } from '../core/errors.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import type { StoreHealth } from '../sink/lander.ts'
import type { Base } from './base.ts'

export interface EngineCheck {
  /** For people: `message log`, `store mongodb`. */
  readonly engine: string
  /** What says where it is; for who has to look why nothing answers there. */
  readonly setting?: string | undefined
  /** Rejects when the engine does not answer. */
  ask(signal: AbortSignal): Promise<unknown>
}

export interface EngineState {
  readonly engine: string
  readonly ready: boolean
  /** Why not. */
  readonly reason?: string
}

export interface Waiting {
  readonly clock: Clock
  readonly random: Random
  readonly logger: { warn(facts: object, sentence: string): void; info(facts: object, sentence: string): void }
}

const AGAIN = { firstMs: 500, maxMs: 10_000 }
/** Longer than drivers take to say why there is no answer. */
const ANSWER_MS = 6_000
/** One look at the engines serves everybody who asks meanwhile. */
const FRESH_MS = 1_000

export function logCheck({ messageLog, settings }: Pick<Base, 'messageLog' | 'settings'>): EngineCheck {
  const ask = (signal: AbortSignal): Promise<unknown> => messageLog.probe(signal)
  return { engine: 'message log', setting: addressSetting(settings.messageLog), ask }
}

export function registryCheck({ registry, settings }: Pick<Base, 'registry' | 'settings'>): EngineCheck {
  return { engine: 'schema registry', setting: registrySetting(settings.registry), ask: () => registry.subjects() }
}

export function ledgerCheck(ledger: LedgerStore, { settings }: Pick<Base, 'settings'>): EngineCheck {
  return { engine: 'ledger', setting: addressSetting(settings.ledger), ask: () => ledger.gateways() }
}

export function storeCheck(store: ReadingStore): EngineCheck {
  return { engine: `store ${store.name}`, setting: addressSetting(store.name), ask: (signal) => store.probe(signal) }
}

/** Away, too, while it answers but does not take what its sink brings. */
export function landingCheck(store: ReadingStore, sink: { readonly health: StoreHealth }): EngineCheck {
  const { ask, ...check } = storeCheck(store)
  return {
    ...check,
    ask: async (signal) => {
      await ask(signal)
      if (sink.health.away) throw new TidemarkError('store-unavailable', sink.health.reason)
    },
  }
}

/** Creates what is missing; where partitions differ, nothing can run. */
export function topicsCheck({ messageLog }: Pick<Base, 'messageLog'>): EngineCheck {
  return { engine: 'message log', ask: () => messageLog.applyTopics() }
}

/** For a process that goes on without these engines: it only says which are away, and why, until each has answered once. */
export async function sayWhatIsAway(
  checks: readonly EngineCheck[],
  waiting: Waiting,
  signal: AbortSignal,
): Promise<void> {
  const said = checks.map((check) =>
    untilAnswered([check], waiting, signal).catch((err: unknown) => {
      if (!signal.aborted) waiting.logger.warn({ engine: check.engine, err }, 'this process can not use an engine')
    }),
  )
  await Promise.all(said)
}

/** Says what is waited for, and why whenever that changes. Throws what another try does not help, and the signal's reason when aborted. */
export async function untilAnswered(
  checks: readonly EngineCheck[],
  { clock, random, logger }: Waiting,
  signal: AbortSignal,
): Promise<void> {
  for (const { engine, ask } of checks) {
    let said = ''
    for (let attempt = 1; ; attempt++) {
      try {
        await unlessAborted(ask(signal), signal)
        if (attempt > 1) logger.info({ engine }, 'the engine answers')
        break
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof TidemarkError) || !error.retryable) throw error
        if (error.message !== said) logger.warn({ engine, err: error }, 'this process waits for an engine')
        said = error.message
      }
      await clock.sleep(delayMs(attempt, { ...AGAIN, chance: random.next() }), signal)
    }
  }
}

/** Asks all of them at once, in bounded time. The answer is kept for a second. */
export function readiness(
  checks: readonly EngineCheck[],
  { clock, answerMs = ANSWER_MS }: { readonly clock: Clock; readonly answerMs?: number },
): () => Promise<readonly EngineState[]> {
  let held: { readonly atMs: number; readonly states: Promise<readonly EngineState[]> } | undefined
  return () => {
    const atMs = clock.monotonicMs()
    if (held === undefined || atMs - held.atMs > FRESH_MS) {
      held = { atMs, states: Promise.all(checks.map((check) => stateOf(check, answerMs))) }
    }
    return held.states
  }
}

async function stateOf({ engine, setting, ask }: EngineCheck, answerMs: number): Promise<EngineState> {
  const late = AbortSignal.timeout(answerMs)
  try {
    await unlessAborted(ask(late), late)
    return { engine, ready: true }
  } catch (error) {
    const advice = setting === undefined ? '' : `; check ${setting}, and that it runs`
    const reason = late.aborted ? `no answer within ${answerMs / 1000} s${advice}` : messageOf(error)
    return { engine, ready: false, reason }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The work goes on; only the wait for it ends. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const end = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true, signal: end.signal })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    end.abort()
  }
}
