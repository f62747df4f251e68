/** Every setting, declared once: name, kind, default, sentence. Parsing, `tidemark settings` and the README's table come from here. */

import { z } from 'zod'
import { isName } from '../../schemas/names.ts'
import { DURATION_FORM, parseDuration, parseSize, SIZE_FORM } from './quantities.ts'

/** How a text becomes a value, and in words what is expected. */
export interface SettingKind<T> {
  readonly expected: string
  readonly schema: z.ZodType<T, string>
}

export interface Setting<T> {
  /** In the environment with `TIDEMARK_` before it, in the file as it is. */
  readonly name: string
  readonly kind: SettingKind<T>
  /** As a user would write it. */
  readonly preset: string
  readonly sentence: string
  readonly secret: boolean
}

/** A setting without a default: absent unless somebody sets it. */
export interface OpenSetting<T> extends Omit<Setting<T>, 'preset'> {
  readonly preset: null
}

export type AnySetting = Setting<unknown> | OpenSetting<unknown>

const DAY_MS = 86_400_000

function kind<T>(expected: string, read: (text: string) => T | undefined): SettingKind<T> {
  const schema = z.string().transform((text, context): T => {
    const value = read(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: expected })
    return z.NEVER
  })
  return { expected, schema }
}

function between(min: number, max: number, value: number | undefined): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined
}

function count(min: number, max: number): SettingKind<number> {
  return kind(`a whole number from ${min} to ${max}`, (text) =>
    /^\d+$/.test(text) ? between(min, max, Number(text)) : undefined,
  )
}

function duration(minMs: number, maxMs: number): SettingKind<number> {
  return kind(DURATION_FORM, (text) => between(minMs, maxMs, parseDuration(text)))
}

function size(min: number): SettingKind<number> {
  return kind(`${SIZE_FORM}, at least ${min} bytes`, (text) => between(min, Number.MAX_SAFE_INTEGER, parseSize(text)))
}

function oneOf<const T extends string>(...choices: readonly T[]): SettingKind<T> {
  return kind(choices.length === 1 ? `'${choices[0]}'` : `one of ${choices.join(', ')}`, (text) =>
    choices.find((choice) => choice === text),
  )
}

function listOf<const T extends string>(...choices: readonly T[]): SettingKind<readonly T[]> {
  return kind(`a comma-separated list, without repetition, of ${choices.join(', ')}`, (text) => {
    const items = text.split(',').map((item) => item.trim())
    const known = items.flatMap((item) => choices.filter((choice) => choice === item))
    return known.length === items.length && new Set(items).size === items.length ? known : undefined
  })
}

const url = kind('an http or https URL without user and password, such as http://127.0.0.1:8086', webAddress)
const registry = kind("'embedded', or the URL of a Confluent-compatible registry without user and password", (text) =>
  text === 'embedded' ? text : webAddress(text),
)
const mongodbUrl = kind('a URL with a database, such as mongodb://127.0.0.1:27017/tidemark', (text) =>
  /^mongodb(\+srv)?:\/\/[^/\s]+\/[^/?\s.$"\\]+(\?\S*)?$/.test(text) ? text : undefined,
)
const brokers = kind('a comma-separated list of HOST:PORT', (text) => {
  const items = text.split(',').map((item) => item.trim())
  return items.every(isHostAndPort) ? items : undefined
})

function webAddress(text: string): string | undefined {
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) return undefined
  return parsed.username + parsed.password === '' ? text.replace(/\/+$/, '') : undefined
}

function isHostAndPort(text: string): boolean {
  const port = /^(?:[\w.-]+|\[[0-9a-f:.]+\]):(\d{1,5})$/i.exec(text)?.[1]
  return port !== undefined && between(1, 65_535, Number(port)) !== undefined
}

const anyText = kind('some text', (text) => (text.trim() === '' ? undefined : text))
const name = kind('a name of at most 128 letters, digits and ._:=,@+%-, the first a letter or digit', (text) =>
  isName(text) ? text : undefined,
)

function setting<T>(name: string, kind: SettingKind<T>, preset: string, sentence: string): Setting<T> {
  return { name, kind, preset, sentence, secret: false }
}

function open<T>(name: string, kind: SettingKind<T>, sentence: string, secret = false): OpenSetting<T> {
  return { name, kind, preset: null, sentence, secret }
}

const KAFKA = {
  kafkaBrokers: open('KAFKA_BROKERS', brokers, 'Some brokers of the cluster; the others are learnt from them.'),
  kafkaReplicationFactor: open(
    'KAFKA_REPLICATION_FACTOR',
    count(1, 32),
    'Copies of each topic that is created; without it, 3. A single broker needs 1.',
  ),
  kafkaTls: setting('KAFKA_TLS', oneOf('off', 'on'), 'off', 'Whether connections to the brokers are encrypted.'),
  kafkaTlsCa: open('KAFKA_TLS_CA', anyText, "PEM file of the authority that signed the brokers' certificates."),
  kafkaTlsCert: open('KAFKA_TLS_CERT', anyText, 'PEM file of the certificate this client shows.'),
  kafkaTlsKey: open('KAFKA_TLS_KEY', anyText, 'PEM file of its key.'),
  kafkaSaslMechanism: open(
    'KAFKA_SASL_MECHANISM',
    oneOf('plain', 'scram-sha-256', 'scram-sha-512'),
    'How the client proves who it is; without it, it does not.',
  ),
  kafkaSaslUsername: open('KAFKA_SASL_USERNAME', anyText, 'User for SASL.'),
  kafkaSaslPassword: open('KAFKA_SASL_PASSWORD', anyText, 'Password for SASL.', true),
} as const

/** A folder of recordings and the name it has in the index. */
export interface RecordingRoot {
  readonly root: string
  readonly path: string
}

const recordingRoots = kind(
  'a comma-separated list of ID=PATH, or of paths whose last parts are names, each id once',
  (text) => {
    const roots = text.split(',').map((item) => rootOf(item.trim()))
    const known = roots.filter((each) => each !== undefined)
    return known.length === roots.length && new Set(known.map(({ root }) => root)).size === roots.length
      ? known
      : undefined
  },
)
const collection = kind(
  'a name of at most 100 letters, digits, _, - and dots, that is none of the other collections of tidemark',
  (text) =>
    /^[A-Za-z_][\w.-]{0,99}$/.test(text) && !/^(system\.|(readings|stores|ledger|quarantine|outages)$)/.test(text)
      ? text
      : undefined,
)
const suffix = kind('a dot and at most 30 letters, digits, _, - and dots', (text) =>
  /^\.[\w.-]{0,29}\w$/.test(text) ? text : undefined,
)

function rootOf(text: string): RecordingRoot | undefined {
  const [, given, path = ''] = /^(?:([^=/]+)=)?(.+)$/.exec(text) ?? []
  const root = given ?? path.replace(/\/+$/, '').split('/').at(-1) ?? ''
  return isName(root) && path !== '' ? { root, path } : undefined
}

const RECORDINGS = {
  recordingRoots: open('RECORDING_ROOTS', recordingRoots, 'The folders of recordings that the indexer watches.'),
  recordings: setting('RECORDINGS', oneOf('embedded', 'mongodb'), 'embedded', 'Where the index of recordings is kept.'),
  recordingsCollection: setting(
    'RECORDINGS_COLLECTION',
    collection,
    'recordings',
    'Its collection in MongoDB; what else is in there is left alone.',
  ),
  recordingSuffix: setting('RECORDING_SUFFIX', suffix, '.dat', 'How the names of data files end.'),
  sidecarSuffix: setting('SIDECAR_SUFFIX', suffix, '.json', 'How the names of their sidecars end.'),
  settleMs: setting(
    'SETTLE_TIME',
    duration(10, DAY_MS),
    '2s',
    'How long size and times of a recording must not change before it is final.',
  ),
  listEveryMs: setting(
    'LIST_EVERY',
    duration(100, 7 * DAY_MS),
    '1m',
    'How often storage is listed as a whole; what events tell is quicker, a listing is true.',
  ),
  goneMax: setting(
    'GONE_MAX',
    count(0, 1_000_000_000),
    '100',
    'So many recordings may vanish at once; where more do and none, or less than half, is left, it is an alarm instead.',
  ),
  recordingHash: setting('RECORDING_HASH', oneOf('off', 'on'), 'off', 'Whether the SHA-256 of data files is computed.'),
  hashBytesPerS: setting(
    'HASH_BYTES_PER_S',
    size(1000),
    '50MB',
    'Bytes a second that are read for it from each root, at most.',
  ),
} as const

const mailServer = kind(
  'smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ before the host where the server asks for them',
  (text) => (/^smtps?:\/\/([^\s@/:]+:[^\s@/]+@)?[^\s@/:]+(:\d{1,5})?$/.test(text) ? text : undefined),
)
const mailAddress = kind('an address such as tidemark@example.org', (text) => (isMailAddress(text) ? text : undefined))
const mailAddresses = kind('a comma-separated list of addresses such as farm@example.org', (text) => {
  const all = text.split(',').map((each) => each.trim())
  return all.every(isMailAddress) ? all : undefined
})
const hookUrl = kind('an http or https URL', (text) =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text : undefined,
)

function isMailAddress(text: string): boolean {
  return /^[^\s@,<>"]+@[^\s@,<>"]+$/.test(text)
}

/** The ids of `services/alerts/rules.ts`, which is held to them. */
export const ALERT_RULES = [
  'store-away',
  'gateway-silent',
  'link-down',
  'gap-open',
  'quarantine-not-empty',
  'conflict',
  'void-or-lost',
  'journal-filling',
  'recordings-differ',
] as const

function after(name: string, preset: string, sentence: string): Setting<number> {
  return setting(name, duration(0, 30 * DAY_MS), preset, sentence)
}

const ALERTS = {
  alertName: setting('ALERT_NAME', anyText, 'tidemark', 'Which tidemark an alert speaks of.'),
  alertSlackUrl: open('ALERT_SLACK_URL', hookUrl, 'Incoming webhook of Slack, or of what understands the same.', true),
  alertPagerdutyKey: open('ALERT_PAGERDUTY_KEY', anyText, 'Integration key of PagerDuty, Events API v2.', true),
  alertPagerdutyUrl: setting(
    'ALERT_PAGERDUTY_URL',
    hookUrl,
    'https://events.pagerduty.com/v2/enqueue',
    'Where events for PagerDuty go.',
  ),
  alertSmtpUrl: open('ALERT_SMTP_URL', mailServer, 'The mail server that alerts go out by.', true),
  alertMailFrom: open('ALERT_MAIL_FROM', mailAddress, 'Sender of alerts by mail.'),
  alertMailTo: open('ALERT_MAIL_TO', mailAddresses, 'Who gets alerts by mail.'),
  alertWebhookUrl: open('ALERT_WEBHOOK_URL', hookUrl, 'Where alerts are posted as JSON.', true),
  alertsOff: open('ALERTS_OFF', listOf(...ALERT_RULES), 'Rules that nobody is told of.'),
  alertEveryMs: setting(
    'ALERT_EVERY',
    duration(100, DAY_MS),
    '5s',
    'How often it is looked whether there is an alert.',
  ),
  alertClearAfterMs: after('ALERT_CLEAR_AFTER', '1m', 'How long all has to be well before an alert is over.'),
  alertStoreAwayAfterMs: after('ALERT_STORE_AWAY_AFTER', '1m', 'How long an engine may be away before it is an alert.'),
  alertSilentAfterMs: after('ALERT_SILENT_AFTER', '5m', 'How long a gateway may be silent before it is an alert.'),
  alertLinkDownAfterMs: after('ALERT_LINK_DOWN_AFTER', '15m', 'How long a link may be down before it is an alert.'),
  alertGapOpenAfterMs: after('ALERT_GAP_OPEN_AFTER', '15m', 'How long a gap may be open before it is an alert.'),
  alertJournalFullWithinMs: after(
    'ALERT_JOURNAL_FULL_WITHIN',
    '1d',
    'A journal that will be full of unconfirmed readings sooner is an alert.',
  ),
  alertRecordingsAfterMs: after(
    'ALERT_RECORDINGS_AFTER',
    '2m',
    'How long the index of recordings may differ from storage before it is an alert.',
  ),
} as const

/** By the key it has in `Settings`: the name in camel case, with the unit last where it has one. */
export const SETTINGS = {
  dataDir: setting('DATA_DIR', anyText, './data', 'Folder of everything the embedded engines keep.'),
  gatewayId: setting('GATEWAY_ID', name, 'local', 'Name of the gateway behind the doors.'),
  httpHost: setting('HTTP_HOST', anyText, '127.0.0.1', 'Address to listen on; any but loopback needs HTTP_TOKEN.'),
  httpPort: setting('HTTP_PORT', count(0, 65_535), '8080', 'Port of page, doors and API; 0 takes a free one.'),
  httpToken: open('HTTP_TOKEN', anyText, 'What a client must send as `Authorization: Bearer …`.', true),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'How much is logged to standard error.',
  ),
  messageLog: setting('MESSAGE_LOG', oneOf('embedded', 'kafka'), 'embedded', 'The message log.'),
  ...KAFKA,
  stores: setting(
    'STORES',
    listOf('embedded', 'mongodb', 'influxdb'),
    'embedded',
    'The stores every reading must land in.',
  ),
  ledger: setting('LEDGER', oneOf('embedded', 'mongodb'), 'embedded', 'Where the ledger is kept.'),
  mongodbUrl: open(
    'MONGODB_URL',
    mongodbUrl,
    'Where MongoDB is, for readings, ledger and recordings; a password in it is not shown.',
  ),
  influxdbUrl: open('INFLUXDB_URL', url, 'Where InfluxDB 2 is.'),
  influxdbToken: open('INFLUXDB_TOKEN', anyText, 'A token that may read and write the bucket.', true),
  influxdbOrg: open('INFLUXDB_ORG', anyText, 'The organisation of the bucket.'),
  influxdbBucket: open('INFLUXDB_BUCKET', anyText, 'The bucket of the readings.'),
  registry: setting('REGISTRY', registry, 'embedded', 'The schema registry.'),
  registryUsername: open('REGISTRY_USERNAME', anyText, 'User of the registry, where it asks for one.'),
  registryPassword: open('REGISTRY_PASSWORD', anyText, 'Password of that user.', true),
  typesDir: open(
    'TYPES_DIR',
    anyText,
    'Folder of the message types (*.avsc); without it, those that come with tidemark.',
  ),
  undeclaredTypes: setting(
    'UNDECLARED_TYPES',
    oneOf('accept', 'refuse'),
    'accept',
    'Whether readings of a type without a file are taken.',
  ),
  bodyMaxBytes: setting('BODY_MAX_BYTES', size(1000), '10MB', 'Largest request body a door takes, unpacked.'),
  journalMaxBytes: setting('JOURNAL_MAX_BYTES', size(1_000_000), '1GiB', 'Room for the journal of one gateway.'),
  journalKeepMs: setting(
    'JOURNAL_KEEP',
    duration(0, 3650 * DAY_MS),
    '7d',
    'How long a confirmed reading stays in the journal, room permitting.',
  ),
  journalFull: setting(
    'JOURNAL_FULL',
    oneOf('reject', 'drop-oldest'),
    'reject',
    'What a full journal does: refuse new readings, or declare the oldest void.',
  ),
  identityKeepMs: setting(
    'IDENTITY_KEEP',
    duration(DAY_MS, 36_500 * DAY_MS),
    '400d',
    'How long a repeated reading is still known as a duplicate.',
  ),
  logKeepBytes: setting(
    'LOG_KEEP_BYTES',
    size(1_000_000),
    '4GiB',
    'Room for the embedded message log; past it the oldest records go before their retention.',
  ),
  heartbeatMs: setting(
    'HEARTBEAT',
    duration(50, DAY_MS),
    '2s',
    'How often a gateway with nothing to send shows its mark.',
  ),
  recoveryBytesPerS: setting(
    'RECOVERY_BYTES_PER_S',
    size(1000),
    '4MB',
    'Bytes a second a gateway spends on sending again, at most.',
  ),
  sliceReadings: setting(
    'SLICE_READINGS',
    count(1, 10_000_000),
    '20000',
    'Positions one recovery request asks for, at most.',
  ),
  requestDeadlineMs: setting(
    'REQUEST_DEADLINE',
    duration(100, DAY_MS),
    '30s',
    'How long a request may go without progress before it is asked again.',
  ),
  ...RECORDINGS,
  ...ALERTS,
} as const

type ValueOf<D> = D extends { readonly kind: SettingKind<infer T> } ? T : never
type OpenKeys = {
  [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K]['preset'] extends null ? K : never
}[keyof typeof SETTINGS]

/** What the rest of the program reads: bytes and milliseconds, absent where nothing was set and nothing is preset. */
export type Settings = {
  readonly [K in Exclude<keyof typeof SETTINGS, OpenKeys>]: ValueOf<(typeof SETTINGS)[K]>
} & { readonly [K in OpenKeys]?: ValueOf<(typeof SETTINGS)[K]> }
