/** What a user reads when the brokers can't be reached or refuse: what came, and what to do. */

import {
  KafkaJSConnectionError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
} from 'kafkajs'
import { expect, test } from 'vitest'
import { isMembershipChange, isRefusal, typeOf, unavailable } from '../../../infra/kafka/failures.ts'
import { TidemarkError } from '../../../services/core/errors.ts'

/** As brokers and Node say it. */
test.each([
  ['SASL PLAIN authentication failed: Authentication failed: Invalid username or password', 'KAFKA_SASL_PASSWORD'],
  ['SASL SCRAM SHA256 authentication failed: invalid credentials', 'KAFKA_SASL_PASSWORD'],
  ['Request is not valid given the current SASL state', 'KAFKA_SASL_MECHANISM'],
  ['Connection error: unable to verify the first certificate', 'KAFKA_TLS_CA'],
  ['Connection error: error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate\n', 'KAFKA_TLS_CERT'],
  ['Connection error: error:0A000416:SSL routines:ssl3_read_bytes:sslv3 alert certificate unknown', 'KAFKA_TLS_CERT'],
  ['Connection error: getaddrinfo ENOTFOUND kafka', 'KAFKA_BROKERS'],
])('%s: a setting is wrong, and it says which', (message, advice) => saysWhatToDo(message, 'log-misconfigured', advice))

test.each([
  [
    'Connection error: Client network socket disconnected before secure TLS connection was established',
    'KAFKA_TLS=off',
  ],
  ['Closed connection', 'the port wants TLS or SASL'],
  ['Connection error: connect ECONNREFUSED 127.0.0.1:9092', 'KAFKA_BROKERS'],
  ['Connection error: getaddrinfo EAI_AGAIN kafka', 'KAFKA_BROKERS'],
  ['no answer within 12000 ms', 'KAFKA_BROKERS'],
])('%s: may pass, and it says what to check', (message, advice) => saysWhatToDo(message, 'log-unavailable', advice))

function saysWhatToDo(message: string, code: string, advice: string): void {
  const error = unavailable(new KafkaJSNonRetriableError(new KafkaJSConnectionError(message)), 'asking kafka:9092')
  expect([error.code, error.retryable]).toEqual([code, true])
  expect(error.message).toContain(`asking kafka:9092: ${message.trim()}; `)
  expect(error.message).toContain(advice)
}

test('what really happened is found behind what the driver wraps around it', () => {
  const inner = protocolError('UNKNOWN_TOPIC_OR_PARTITION')
  const wrapped = new KafkaJSNumberOfRetriesExceeded(inner, { retryCount: 2, retryTime: 100 })
  Object.assign(wrapped, { cause: inner })
  expect(typeOf(wrapped)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  expect(unavailable(wrapped, 'reading').message).toContain("run 'tidemark topics apply'")
  expect(typeOf({ errors: [inner] })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
})

test('an error of ours stays as it is', () => {
  const error = new TidemarkError('topics-differ')
  expect(unavailable(error, 'applying')).toBe(error)
})

test('tells a change of the membership from a refusal, and both from what another try may cure', () => {
  const types = ['REBALANCE_IN_PROGRESS', 'GROUP_AUTHORIZATION_FAILED', 'NOT_LEADER_FOR_PARTITION'].map(protocolError)
  expect(types.map(isMembershipChange)).toEqual([true, false, false])
  expect(types.map(isRefusal)).toEqual([false, true, false])
})

function protocolError(type: string): Error {
  return Object.assign(new KafkaJSProtocolError(type), { type })
}
