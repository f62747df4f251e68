/** TLS and SASL on a real Kafka, as the settings say them: every mechanism gets through, and what is set wrong is named. */

import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MESSAGE_LOGS } from '../../../infra/index.ts'
import { type KafkaEngine, startKafka } from '../../../infra/kafka/launcher.ts'
import { parseSettings } from '../../../services/core/settings.ts'
import type { MessageLog } from '../../../services/ports/message-log.ts'
import { engineTests } from '../../support/engines.ts'
import { environmentOf } from '../../support/environment.ts'
import { type TemporaryDir, temporaryDir } from '../../support/temporary-dir.ts'
import { type Identity, identity } from './certificates.ts'

const engines = engineTests('kafka')

const START_WITHIN_MS = 120_000
const USERS = { fleet: 'fleet-password' }
/** In the order in which the broker listens. */
const LISTENERS = ['tls', 'mutual tls', 'sasl', 'sasl over tls', 'tls of another host'] as const
type Place = (typeof LISTENERS)[number] | 'plain'
type Given = Readonly<Record<string, string>>

let dir: TemporaryDir
let kafka: KafkaEngine
let [authority, client, stranger]: Identity[] = []

engines.describe('Kafka with TLS and SASL', () => {
  beforeAll(async () => {
    dir = await temporaryDir()
    authority = await identity(dir.path, 'authority')
    client = await identity(dir.path, 'client', authority)
    stranger = await identity(dir.path, 'stranger')
    const broker = await identity(dir.path, 'broker', authority, 'IP:127.0.0.1')
    const elsewhere = await identity(dir.path, 'elsewhere', authority)
    kafka = await startKafka({
      secure: [
        { keystore: broker.keystore },
        { keystore: broker.keystore, clientAuthority: authority.cert },
        { users: USERS },
        { keystore: broker.keystore, users: USERS },
        { keystore: elsewhere.keystore },
      ],
    })
  }, START_WITHIN_MS)
  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]()
    await dir?.[Symbol.asyncDispose]()
  })

  test.each<[string, Place, () => Given]>([
    ['TLS', 'tls', trusting],
    ['TLS with a client certificate', 'mutual tls', () => ({ ...trusting(), ...showing(client) })],
    ['PLAIN', 'sasl', () => user('plain')],
    ['SCRAM-SHA-256', 'sasl', () => user('scram-sha-256')],
    ['SCRAM-SHA-512', 'sasl', () => user('scram-sha-512')],
    ['PLAIN over TLS', 'sasl over tls', () => ({ ...trusting(), ...user('plain') })],
    ['SCRAM-SHA-512 over TLS', 'sasl over tls', () => ({ ...trusting(), ...user('scram-sha-512') })],
  ])('%s: what is appended is read', async (name, place, given) => {
    await using log = await open(place, given())
    await log.applyTopics()
    await log.produce('receipts', [{ key: name, value: Buffer.from(name) }])
    expect(await readBy(log, name)).toContain(name)
  })

  test.each<[string, Place, () => Given, string]>([
    ['a wrong password for PLAIN', 'sasl', () => user('plain', 'wrong'), 'KAFKA_SASL_PASSWORD'],
    ['a wrong password for SCRAM', 'sasl', () => user('scram-sha-256', 'wrong'), 'KAFKA_SASL_PASSWORD'],
    ['a user nobody knows', 'sasl', () => user('scram-sha-512', 'x', 'nobody'), 'KAFKA_SASL_USERNAME'],
    ['SASL at a port without', 'tls', () => ({ ...trusting(), ...user('plain') }), 'KAFKA_SASL_MECHANISM'],
    ['an authority nobody named', 'tls', () => ({ KAFKA_TLS: 'on' }), 'KAFKA_TLS_CA'],
    ['a certificate of another host', 'tls of another host', trusting, 'host name'],
    ['no client certificate', 'mutual tls', trusting, 'KAFKA_TLS_CERT'],
    [
      'a client certificate of another authority',
      'mutual tls',
      () => ({ ...trusting(), ...showing(stranger) }),
      'KAFKA_TLS_CERT',
    ],
  ])('%s: says which setting to mend', async (_, place, given, fix) => {
    await using log = await open(place, given())
    const probe = log.probe(AbortSignal.timeout(30_000))
    const misconfigured = { code: 'log-misconfigured', retryable: true, message: expect.stringContaining(fix) }
    await expect(probe).rejects.toMatchObject(misconfigured)
    const value = Buffer.from('never appended')
    await expect(log.produce('receipts', [{ key: 'k', value }])).rejects.toMatchObject(misconfigured)
  })

  // Nobody can tell these from a link that breaks.
  test.each<[string, Place, () => Given, string]>([
    ['TLS at a plain port', 'plain', trusting, 'KAFKA_TLS=off'],
    ['no TLS at a TLS port', 'tls', () => ({}), 'KAFKA_TLS'],
    ['no user where one is asked for', 'sasl', () => ({}), 'KAFKA_SASL_MECHANISM'],
  ])('%s: the connection is closed without a word, and the advice is what to check', async (_, place, given, fix) => {
    await using log = await open(place, given())
    const unavailable = { code: 'log-unavailable', retryable: true, message: expect.stringContaining(fix) }
    await expect(log.probe(AbortSignal.timeout(30_000))).rejects.toMatchObject(unavailable)
  })

  test('a user that is made while somebody waits for it gets in', async () => {
    await using log = await open('sasl', user('scram-sha-256', 'new-password', 'newcomer'))
    await expect(log.probe(AbortSignal.timeout(30_000))).rejects.toMatchObject({ code: 'log-misconfigured' })
    await kafka.setPassword('newcomer', 'new-password')
    await log.probe(AbortSignal.timeout(30_000))
  })
})

function trusting(): Given {
  return { KAFKA_TLS: 'on', KAFKA_TLS_CA: authority?.cert ?? '' }
}

function showing(who: Identity | undefined): Given {
  return { KAFKA_TLS_CERT: who?.cert ?? '', KAFKA_TLS_KEY: who?.key ?? '' }
}

function user(mechanism: string, password = USERS.fleet, name = 'fleet'): Given {
  return { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: name, KAFKA_SASL_PASSWORD: password }
}

async function open(place: Place, given: Given): Promise<MessageLog> {
  const address = place === 'plain' ? kafka.brokers[0] : kafka.secure[LISTENERS.indexOf(place)]
  const env = environmentOf(kafka.settings, { KAFKA_BROKERS: address ?? '' }, given)
  const parsed = parseSettings({ env })
  if (!parsed.ok) throw new Error(parsed.faults.join('\n'))
  const kv = (): never => {
    throw new Error('Kafka keeps no file')
  }
  return MESSAGE_LOGS.kafka({ settings: parsed.settings, logger: pino({ enabled: false }), kv })
}

/** Everything on the topic up to the first record of that key. */
async function readBy(log: MessageLog, key: string): Promise<readonly string[]> {
  await using consumer = log.consume({ group: key, topics: ['receipts'] })
  const read: string[] = []
  for await (const event of consumer.events(AbortSignal.timeout(60_000))) {
    if (event.kind === 'records') read.push(...event.records.map((record) => record.key))
    if (read.includes(key)) break
  }
  return read
}
