/** Which adapter stands for which name in the settings: one line an engine. Only what is named is opened, and only its driver is loaded. */

import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { TidemarkError } from '../services/core/errors.ts'
import type { Settings } from '../services/core/settings.ts'
import type { FileTree } from '../services/ports/file-tree.ts'
import type { LedgerStore } from '../services/ports/ledger-store.ts'
import type { MessageLog } from '../services/ports/message-log.ts'
import type { MirrorEnd } from '../services/ports/mirror-end.ts'
import type { ReadingStore } from '../services/ports/reading-store.ts'
import type { RecordingIndex } from '../services/ports/recording-index.ts'
import type { SchemaRegistry } from '../services/ports/schema-registry.ts'
import type { Kv } from './embedded/kv.ts'
import { embeddedLedgerStore } from './embedded/ledger-store.ts'
import { embeddedMessageLog } from './embedded/message-log.ts'
import { embeddedReadingStore } from './embedded/reading-store.ts'
import { embeddedRecordingIndex } from './embedded/recording-index.ts'
import { embeddedSchemaRegistry } from './embedded/schema-registry.ts'
import { fileTree } from './files/file-tree.ts'
import { influxdbMirrorEnd } from './influxdb/mirror-end.ts'
import { breathe, systemClock, systemRandom } from './system.ts'

export interface Place {
  readonly settings: Settings
  readonly logger: Logger
  /** Opens a file of the embedded engine below the data directory; it is closed after the adapter. */
  kv(file: string): Kv
}

type Opens<T> = (place: Place) => T | Promise<T>

export const MESSAGE_LOGS: Readonly<Record<Settings['messageLog'], Opens<MessageLog>>> = {
  embedded: ({ settings, logger, kv }) =>
    embeddedMessageLog({ kv: kv('log.mdb'), clock: systemClock, logger, maxBytes: settings.logKeepBytes, breathe }),
  kafka: openKafka,
}

export const LEDGERS: Readonly<Record<Settings['ledger'], Opens<LedgerStore>>> = {
  embedded: ({ kv }) => embeddedLedgerStore(kv('ledger.mdb')),
  mongodb: async ({ settings }) => {
    const { mongodbLedgerStore } = await import('./mongodb/ledger-store.ts')
    return mongodbLedgerStore({ url: given(settings, 'mongodbUrl') })
  },
}

export const READING_STORES: Readonly<Record<Settings['stores'][number], Opens<ReadingStore>>> = {
  embedded: ({ kv }) => embeddedReadingStore({ kv: kv('stores/embedded.mdb'), name: 'embedded', random: systemRandom }),
  mongodb: async ({ settings, logger }) => {
    const { mongodbReadingStore } = await import('./mongodb/reading-store.ts')
    const url = given(settings, 'mongodbUrl')
    return mongodbReadingStore({ url, name: 'mongodb', clock: systemClock, random: systemRandom, logger })
  },
  influxdb: async ({ settings, logger }) => {
    const { influxdbReadingStore } = await import('./influxdb/reading-store.ts')
    return influxdbReadingStore({
      url: given(settings, 'influxdbUrl'),
      token: given(settings, 'influxdbToken'),
      org: given(settings, 'influxdbOrg'),
      bucket: given(settings, 'influxdbBucket'),
      name: 'influxdb',
      random: systemRandom,
      logger,
    })
  },
}

export const RECORDING_INDEXES: Readonly<Record<Settings['recordings'], Opens<RecordingIndex>>> = {
  embedded: ({ kv }) => embeddedRecordingIndex(kv('recordings.mdb')),
  mongodb: async ({ settings }) => {
    const { mongodbRecordingIndex } = await import('./mongodb/recording-index.ts')
    return mongodbRecordingIndex({ url: given(settings, 'mongodbUrl'), collection: settings.recordingsCollection })
  },
}

export function openFileTree({ recordingSuffix, sidecarSuffix }: Settings, path: string): FileTree {
  return fileTree({ path, clock: systemClock, dataSuffix: recordingSuffix, sidecarSuffix })
}

/** `settings` names the three that it is reached by. */
export function openMirrorEnd(
  settings: Settings,
  prefix: 'MIRROR_SOURCE' | 'MIRROR_TARGET',
  name: MirrorEnd['name'],
): MirrorEnd {
  const { mirrorBytesPerS: bytesPerS } = settings
  const [url, token, org] = (
    prefix === 'MIRROR_SOURCE'
      ? (['mirrorSourceUrl', 'mirrorSourceToken', 'mirrorSourceOrg'] as const)
      : (['mirrorTargetUrl', 'mirrorTargetToken', 'mirrorTargetOrg'] as const)
  ).map((key) => given(settings, key)) as [string, string, string]
  return influxdbMirrorEnd({ name, settings: prefix, url, token, org, bytesPerS, clock: systemClock })
}

export async function openRegistry({ settings, kv }: Place): Promise<SchemaRegistry> {
  const { registry: url, registryUsername: username, registryPassword: password } = settings
  if (url === 'embedded') return embeddedSchemaRegistry(kv('registry.mdb'))
  const { confluentSchemaRegistry } = await import('./registry/schema-registry.ts')
  const access = username === undefined || password === undefined ? {} : { username, password }
  return confluentSchemaRegistry({ url, ...access })
}

async function openKafka({ settings, logger }: Place): Promise<MessageLog> {
  const { kafkaMessageLog } = await import('./kafka/message-log.ts')
  const { kafkaReplicationFactor: replication } = settings
  return kafkaMessageLog({
    brokers: given(settings, 'kafkaBrokers'),
    logger,
    ...(replication === undefined ? {} : { replication }),
    ...(settings.kafkaTls === 'off' ? {} : { tls: await tlsOf(settings) }),
    ...saslOf(settings),
  })
}

async function tlsOf({ kafkaTlsCa: ca, kafkaTlsCert: cert, kafkaTlsKey: key }: Settings) {
  return {
    ...(ca === undefined ? {} : { ca: await pem('KAFKA_TLS_CA', ca) }),
    ...(cert === undefined ? {} : { cert: await pem('KAFKA_TLS_CERT', cert) }),
    ...(key === undefined ? {} : { key: await pem('KAFKA_TLS_KEY', key) }),
  }
}

function saslOf(settings: Settings) {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = settings
  if (mechanism === undefined || username === undefined || password === undefined) return {}
  return { sasl: { mechanism, username, password } }
}

async function pem(name: string, path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: Error) => error)
  if (typeof text === 'string') return text
  throw new TidemarkError('settings-invalid', `${name}: expected a PEM file that can be read: ${text.message}`)
}

/** Settings are checked before anything is opened: what a choice needs is there. */
function given<K extends keyof Settings>(settings: Settings, key: K): NonNullable<Settings[K]> {
  const value = settings[key]
  if (value === undefined || value === null) throw new TidemarkError('settings-invalid', `expected ${key}, came none`)
  return value
}
