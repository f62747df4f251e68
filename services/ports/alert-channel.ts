/** A way by which people, or their tools, are told of alerts. Adapters: `infra/alerts`. */

import type { Episode, Severity } from './episode-store.ts'

export interface AlertMessage {
  readonly event: 'opened' | 'ended'
  /** Of one rule; more than one where many come at once. */
  readonly episodes: readonly Episode[]
  readonly rule: string
  readonly severity: Severity
  /** What to do. */
  readonly advice: string
  /** Which tidemark speaks: `ALERT_NAME`. */
  readonly installation: string
  readonly isTest?: boolean
}

export interface AlertChannel {
  readonly name: string
  /** Where it sends to, without secrets. */
  readonly target: string
  /** So many episodes of one rule go into a message when they come at once. */
  readonly episodesMax: number
  /**
   * Resolves when the other side has taken it. Throws `alert-unavailable` for what another try may mend, `alert-refused` for what somebody has to mend
   * first; `facts.retryAfterMs` says when the other side wants the next try.
   */
  send(message: AlertMessage, signal: AbortSignal): Promise<void>
}
