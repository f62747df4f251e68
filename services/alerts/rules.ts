/** What there is an alert for, each declared once: how bad it is, how long it has to be so, what a person does. */

import type { ALERT_RULES } from '../core/setting-declarations.ts'
import type { Settings } from '../core/settings.ts'
import type { Severity } from '../ports/episode-store.ts'

export interface Rule {
  readonly severity: Severity
  /** What it means. */
  readonly meaning: string
  readonly advice: string
  /** How long it has to be so before somebody is told; 0 where the setting is a limit of another kind. */
  delayMs(settings: AlertSettings): number
}

export type RuleId = (typeof ALERT_RULES)[number]

export type AlertSettings = Pick<
  Settings,
  | 'alertStoreAwayAfterMs'
  | 'alertSilentAfterMs'
  | 'alertLinkDownAfterMs'
  | 'alertGapOpenAfterMs'
  | 'alertRecordingsAfterMs'
  | 'alertMirrorLagAfterMs'
>

export const RULES = {
  'store-away': {
    severity: 'critical',
    meaning: 'A store, the ledger, the log, the registry or the index does not answer, or refuses.',
    advice:
      "Look whether it runs and can be reached; 'tidemark doctor' says what is wrong. What came meanwhile lands when it is back.",
    delayMs: ({ alertStoreAwayAfterMs }) => alertStoreAwayAfterMs,
  },
  'gateway-silent': {
    severity: 'warning',
    meaning: 'No mark of a gateway has come.',
    advice: 'Look at its power, its network and its process. What it captures meanwhile comes when it is back.',
    delayMs: ({ alertSilentAfterMs }) => alertSilentAfterMs,
  },
  'link-down': {
    severity: 'warning',
    meaning: 'A gateway does not reach the log.',
    advice: 'Look at the link. The gateway goes on capturing into its journal and sends it all when the link is back.',
    delayMs: ({ alertLinkDownAfterMs }) => alertLinkDownAfterMs,
  },
  'gap-open': {
    severity: 'warning',
    meaning: 'Readings of a gateway that are due are missing in a required store.',
    advice:
      "'tidemark proof --gateway ID' names them; they are asked for by themselves. Where a gateway is dead for good: 'tidemark writeoff'.",
    delayMs: ({ alertGapOpenAfterMs }) => alertGapOpenAfterMs,
  },
  'quarantine-not-empty': {
    severity: 'warning',
    meaning: 'Something could not land and waits for a person.',
    advice: "'tidemark quarantine list' shows causes; then redrive or discard.",
    delayMs: () => 0,
  },
  conflict: {
    severity: 'warning',
    meaning: 'Readings came with an identity that is taken by other values.',
    advice:
      "The first stays. 'tidemark quarantine list' shows the others; 'redrive' lands them at the next free nanosecond.",
    delayMs: () => 0,
  },
  'void-or-lost': {
    severity: 'critical',
    meaning: 'Readings are gone: a journal declared them void, or somebody wrote them off.',
    advice:
      "'tidemark proof --gateway ID' says which. Void: JOURNAL_MAX_BYTES is too small for such an outage, or a disk was damaged.",
    delayMs: () => 0,
  },
  'journal-filling': {
    severity: 'critical',
    meaning: 'At its present pace a journal will be full of unconfirmed readings soon.',
    advice: 'Bring the link or the stores back, or raise JOURNAL_MAX_BYTES.',
    delayMs: () => 0,
  },
  'recordings-differ': {
    severity: 'critical',
    meaning: 'The index of recordings does not equal the storage.',
    advice:
      "'tidemark indexer reconcile' says what differs. A root that is suspicious is mostly a disk that is not mounted, or a wrong path.",
    delayMs: ({ alertRecordingsAfterMs }) => alertRecordingsAfterMs,
  },
  'mirror-lags': {
    severity: 'warning',
    meaning: 'A mirror could not look for new points of a bucket.',
    advice: 'Look at the link and at the end that is away. What came meanwhile is brought when both ends answer.',
    delayMs: ({ alertMirrorLagAfterMs }) => alertMirrorLagAfterMs,
  },
  'mirror-differs': {
    severity: 'warning',
    meaning: 'A bucket of a mirror is not as its source, or can not be mirrored.',
    advice: "'tidemark mirror verify' says which series differ. Points at the target alone were deleted at the source.",
    delayMs: () => 0,
  },
} as const satisfies Readonly<Record<RuleId, Rule>>

/** Also of an id that another version has written. */
export function ruleOf(id: string): Rule {
  const known: Readonly<Record<string, Rule>> = RULES
  return known[id] ?? { severity: 'warning', meaning: id, advice: '', delayMs: () => 0 }
}
