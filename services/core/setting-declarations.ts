/** Every setting, declared once: name, kind, default, sentence. Parsing, `tidemark settings` and the README's table come from here. */

import { isName } from '../../schemas/names.ts'
import { parseInstant } from '../../schemas/time.ts'
import {
  anyText,
  brokers,
  count,
  DAY_MS,
  duration,
  kind,
  listOf,
  mongodbUrl,
  name,
  type OpenSetting,
  oneOf,
  open,
  registry,
  type Setting,
  type SettingKind,
  setting,
  size,
  url,
} from './setting-kinds.ts'

export type AnySetting = Setting<unknown> | OpenSetting<unknown>

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
  'mirror-lags',
  'mirror-differs',
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
  alertMirrorLagAfterMs: after(
    'ALERT_MIRROR_LAG_AFTER',
    '15m',
    'How long a mirror may not have looked for new points before it is an alert.',
  ),
} as const

const instant = kind('a time such as 2024-01-31T00:00:00Z', (text) => {
  const time = parseInstant(text)
  return time === undefined || 'reason' in time ? undefined : time.ms
})
const bucketNames = kind('a comma-separated list of names of buckets, each once', (text) => {
  const names = text.split(',').map((item) => item.trim())
  return names.every((item) => item !== '') && new Set(names).size === names.length ? names : undefined
})

const MIRROR = {
  mirrorSourceUrl: open('MIRROR_SOURCE_URL', url, 'The InfluxDB 2 that a mirror reads.'),
  mirrorSourceToken: open('MIRROR_SOURCE_TOKEN', anyText, 'A token that may read its buckets.', true),
  mirrorSourceOrg: open('MIRROR_SOURCE_ORG', anyText, 'The organisation of its buckets.'),
  mirrorTargetUrl: open('MIRROR_TARGET_URL', url, 'The InfluxDB 2 that a mirror keeps equal to it.'),
  mirrorTargetToken: open('MIRROR_TARGET_TOKEN', anyText, 'A token that may read, write and make its buckets.', true),
  mirrorTargetOrg: open('MIRROR_TARGET_ORG', anyText, 'The organisation of its buckets.'),
  mirrorBuckets: open('MIRROR_BUCKETS', bucketNames, 'The buckets, which have the same names on both sides.'),
  mirrorEveryMs: setting('MIRROR_EVERY', duration(100, DAY_MS), '30s', 'How often new points are looked for.'),
  mirrorPassEveryMs: setting(
    'MIRROR_PASS_EVERY',
    duration(1000, 365 * DAY_MS),
    '1h',
    'How long after a pass over everything the next one begins; it finds what came late, early or changed.',
  ),
  mirrorSinceMs: open('MIRROR_SINCE', instant, 'Older points are not mirrored; without it, all are.'),
  mirrorHorizonMs: open(
    'MIRROR_HORIZON',
    duration(1000, 100_000 * DAY_MS),
    'How far back a pass looks; without it, as far as MIRROR_SINCE.',
  ),
  mirrorDeep: setting(
    'MIRROR_DEEP',
    oneOf('off', 'on'),
    'off',
    'Whether passes read both sides whole, and so find changed texts and changes that leave sums as they were.',
  ),
  mirrorCreateBuckets: setting(
    'MIRROR_CREATE_BUCKETS',
    oneOf('off', 'on'),
    'on',
    'Whether a bucket that the target lacks is made, with the retention of the source.',
  ),
  mirrorBytesPerS: open('MIRROR_BYTES_PER_S', size(10_000), 'Bytes a second to and from each side, at most.'),
  mirrorLogBucket: setting(
    'MIRROR_LOG_BUCKET',
    anyText,
    'Logging',
    'Bucket of the target that is told of what the mirror does, where it is there.',
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
  ...MIRROR,
} as const

type ValueOf<D> = D extends { readonly kind: SettingKind<infer T> } ? T : never
type OpenKeys = {
  [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K]['preset'] extends null ? K : never
}[keyof typeof SETTINGS]

/** What the rest of the program reads: bytes and milliseconds, absent where nothing was set and nothing is preset. */
export type Settings = {
  readonly [K in Exclude<keyof typeof SETTINGS, OpenKeys>]: ValueOf<(typeof SETTINGS)[K]>
} & { readonly [K in OpenKeys]?: ValueOf<(typeof SETTINGS)[K]> }
