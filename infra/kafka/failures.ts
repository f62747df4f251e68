/** What the driver throws, in the words of the table: what was tried, what came, what to do. */

import { TidemarkError } from '../../services/core/errors.ts'

export interface DriverFailure {
  /** Kafka's name of the error, where a broker answered with one. */
  readonly type: string | undefined
  /** Of the operating system or of TLS. */
  readonly code: string | undefined
  readonly name: string
  readonly message: string
  readonly retriable: boolean
}

/** Looks through the wrappers of retries for what really happened. */
export function failureOf(error: unknown): DriverFailure {
  let last = fieldsOf(error)
  for (let inner = innerOf(error), depth = 0; inner !== undefined && depth < 8; inner = innerOf(inner), depth++) {
    last = fieldsOf(inner)
  }
  return last
}

export function typeOf(error: unknown): string | undefined {
  return failureOf(error).type
}

function innerOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return undefined
  if ('errors' in error && Array.isArray(error.errors)) return error.errors[0]
  return 'cause' in error && error.cause instanceof Error && error.cause !== error ? error.cause : undefined
}

function fieldsOf(error: unknown): DriverFailure {
  const { type, code, name, message, retriable } = (typeof error === 'object' ? (error ?? {}) : {}) as Record<
    string,
    unknown
  >
  return {
    type: typeof type === 'string' ? type : undefined,
    code: typeof code === 'string' ? code : undefined,
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : String(error),
    retriable: retriable !== false,
  }
}

/** What to do, by what the message or the name says: the first that matches. Of the first table, a setting is wrong, here or at the brokers. */
const WRONG: readonly (readonly [RegExp, string])[] = [
  [
    /SASL.*authentication failed|SASLAuthentication/i,
    'expected a user the brokers know; check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM',
  ],
  [/mechanism|SASL_STATE|SASL state/i, 'expected a port that takes this SASL mechanism; check KAFKA_SASL_MECHANISM'],
  [
    /alert (.*certificate|unknown ca)|certificate_required/i,
    'expected a client certificate that the brokers trust; check KAFKA_TLS_CERT and KAFKA_TLS_KEY',
  ],
  [/certificate|CERT_|ALTNAME/i, 'expected a certificate that KAFKA_TLS_CA vouches for, made out to this host name'],
  [/wrong version number|EPROTO|SSL routines/i, 'expected a TLS port; if it is a plain one, set KAFKA_TLS=off'],
  [/INVALID_REPLICATION_FACTOR/i, 'expected as many brokers as a topic has replicas; set KAFKA_REPLICATION_FACTOR'],
  [/AUTHORIZATION_FAILED/i, 'expected a user that may do this; give it the right on the topic or group'],
  [/INCONSISTENT_GROUP_PROTOCOL/i, 'expected only tidemark in this group; another program uses its name'],
  [/ENOTFOUND/i, 'expected a host name that resolves; check KAFKA_BROKERS'],
]

const AWAY: readonly (readonly [RegExp, string])[] = [
  [/UNKNOWN_TOPIC|does not host this topic/i, "expected the topics of tidemark; run 'tidemark topics apply'"],
  [/NOT_ENOUGH_REPLICAS/i, 'expected as many replicas in sync as min.insync.replicas asks for; are brokers down?'],
  [/EAI_AGAIN/i, 'expected a host name that resolves; check KAFKA_BROKERS'],
  [
    /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|Connection timeout|TimeoutError|Not connected|no answer within/i,
    'expected a broker that answers; check KAFKA_BROKERS, and that it runs',
  ],
  [/before secure TLS/i, 'expected a TLS port; if it is a plain one, set KAFKA_TLS=off'],
  [
    /Closed connection|closed by the server|ECONNRESET|EPIPE/i,
    'if the broker closes every connection at once, the port wants TLS or SASL; check KAFKA_TLS and KAFKA_SASL_MECHANISM',
  ],
]

/** `log-unavailable`, or `log-misconfigured` where no waiting helps until somebody mends a setting. `doing` says in words what was tried, with whom. */
export function unavailable(
  error: unknown,
  doing: string,
  facts: Readonly<Record<string, unknown>> = {},
): TidemarkError {
  if (error instanceof TidemarkError) return error
  const { type, code, name, message } = failureOf(error)
  const text = `${type ?? ''} ${code ?? ''} ${name} ${message}`
  const found = (table: typeof WRONG): string | undefined => table.find(([pattern]) => pattern.test(text))?.[1]
  const fix = found(WRONG)
  const advice = fix ?? found(AWAY)
  // What OpenSSL says ends with a line break.
  const detail = [`${doing}: ${message.trim()}`, ...(advice === undefined ? [] : [advice])].join('; ')
  return new TidemarkError(
    fix === undefined ? 'log-unavailable' : 'log-misconfigured',
    detail,
    { ...facts, type, code },
    error,
  )
}

/** Another try can't help: who is asked says no, or is not what was expected. */
export function isRefusal(error: unknown): boolean {
  const { type, name } = failureOf(error)
  return (
    name === 'KafkaJSSASLAuthenticationError' ||
    (type !== undefined &&
      /AUTHORIZATION_FAILED|INCONSISTENT_GROUP_PROTOCOL|INVALID_SESSION_TIMEOUT|INVALID_GROUP_ID/.test(type))
  )
}

/** The membership in a group has changed: join again, and see what is still owned. */
const MEMBERSHIP: readonly string[] = [
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
]

export function isMembershipChange(error: unknown): boolean {
  return MEMBERSHIP.includes(typeOf(error) ?? '')
}
