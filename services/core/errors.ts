/** One table of everything that can go wrong by name: whether another try helps, and the sentence a person reads. */

const TABLE = {
  'journal-full': [
    true,
    'the journal is full: wait until the cloud has confirmed readings, or raise JOURNAL_MAX_BYTES',
  ],
  'journal-poisoned': [false, 'a sync of the journal failed: this handle answers no more, restart the gateway'],
  'journal-corrupt': [false, 'the journal holds rows whose checksum is wrong'],
  'data-locked': [false, 'another process holds the data directory: stop it, or let the command ask it'],
  'data-unusable': [false, 'the data directory cannot be used'],
  'reading-too-large': [false, 'one reading is larger than 900,000 bytes encoded'],
  'record-too-large': [false, 'the record is larger than the log takes'],
  'record-invalid': [false, 'the record says what cannot be'],
  'log-unavailable': [true, 'the message log does not answer'],
  'log-misconfigured': [true, 'the message log is there, but what is set for it does not fit'],
  'log-fenced': [false, 'the partition belongs to another member of the group now'],
  'topics-differ': [false, 'topics of the log are not as declared'],
  'schema-incompatible': [false, 'the schema cannot follow the one registered before'],
  'schema-invalid': [false, 'the message type is not one tidemark can carry'],
  'schema-unknown': [false, 'no such schema id'],
  'registry-unavailable': [true, 'the schema registry does not answer'],
  'registry-misconfigured': [true, 'something answers for the schema registry, but what is set for it does not fit'],
  'store-unavailable': [true, 'the store does not answer'],
  'store-misconfigured': [true, 'the store answers, but refuses access, bucket or database'],
  'store-corrupt': [false, 'the store holds rows whose checksum is wrong'],
  'batch-refused': [false, 'the store refused the batch as a whole'],
  'ledger-conflict': [false, 'another process has written this ledger: it is the owner now'],
  'ledger-unavailable': [true, 'the ledger store does not answer'],
  'mirror-locked': [false, 'another mirror of this machine writes to the target: stop it first'],
  'root-unreachable': [true, 'the root of recordings can not be listed'],
  'alert-unavailable': [true, 'the channel does not take an alert now'],
  'alert-refused': [true, 'the channel refuses an alert: what is set for it does not fit'],
  'settings-invalid': [false, 'settings are wrong'],
  'usage-wrong': [false, 'the command was used wrongly'],
  'not-running': [false, 'no tidemark process answers'],
  'door-unavailable': [true, 'the door of the gateway does not answer'],
  'address-unusable': [false, 'the address cannot be listened on'],
  'link-cut': [true, 'the link of this gateway is cut'],
  'engine-missing': [false, 'a real engine is not there'],
  'engine-changed': [false, 'files of a real engine are not those that its recipe names'],
  'engine-failed': [false, 'a real engine could not be built or started'],
  interrupted: [false, 'it was asked to end'],
  closed: [false, 'this was closed before and answers no more'],
  bug: [false, 'a promise of the code was broken'],
} as const satisfies Record<string, readonly [retryable: boolean, sentence: string]>

export type ErrorCode = keyof typeof TABLE

/** `message` is the table's sentence and, where given, what came and what to do. Branch on `code`, never on text. */
export class TidemarkError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly facts: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, detail = '', facts: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    const [retryable, sentence] = TABLE[code]
    super(detail === '' ? sentence : `${sentence}: ${detail}`, cause === undefined ? undefined : { cause })
    this.name = 'TidemarkError'
    this.code = code
    this.retryable = retryable
    this.facts = facts
  }
}

export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof TidemarkError ? error.code : undefined
}

/** For what only a bug can bring about; stays on in production. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new TidemarkError('bug', what)
}
