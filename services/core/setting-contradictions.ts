/** Settings that ask for one another: what each choice needs besides. */

import { SETTINGS, type Settings } from './setting-declarations.ts'

type Key = keyof Settings & keyof typeof SETTINGS

/** One sentence each: what was expected, what came, what to do. `opened` are the stores that this process itself opens. */
export function contradictions(settings: Settings, opened: readonly string[]): readonly string[] {
  return [
    ...openDoor(settings),
    ...engineNeeds(settings, opened),
    ...tlsNeeds(settings),
    ...accessNeeds(settings),
    ...recordingNeeds(settings),
    ...mailNeeds(settings),
  ]
}

/** True for addresses only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function openDoor({ httpHost, httpToken }: Settings): readonly string[] {
  if (isLoopback(httpHost) || httpToken !== undefined) return []
  return [
    `HTTP_TOKEN: expected a token because HTTP_HOST is '${httpHost}', which other machines can reach; came none; set TIDEMARK_HTTP_TOKEN, or HTTP_HOST to 127.0.0.1`,
  ]
}

function engineNeeds(settings: Settings, opened: readonly string[]): readonly string[] {
  const { messageLog, ledger } = settings
  const stores = settings.stores.filter((store) => opened.includes(store))
  const mongodb = stores.includes('mongodb') ? 'STORES names mongodb' : 'LEDGER is mongodb'
  return [
    ...(messageLog === 'kafka' ? missing(settings, 'MESSAGE_LOG is kafka', 'kafkaBrokers') : []),
    ...(stores.includes('mongodb') || ledger === 'mongodb' ? missing(settings, mongodb, 'mongodbUrl') : []),
    ...(stores.includes('influxdb')
      ? missing(settings, 'STORES names influxdb', 'influxdbUrl', 'influxdbToken', 'influxdbOrg', 'influxdbBucket')
      : []),
  ]
}

function recordingNeeds({ recordingSuffix, sidecarSuffix, ...settings }: Settings): readonly string[] {
  const where =
    settings.recordings === 'mongodb' && settings.ledger !== 'mongodb' && !settings.stores.includes('mongodb')
  const same = `SIDECAR_SUFFIX: expected another one than RECORDING_SUFFIX; came ${sidecarSuffix} for both; change one of them`
  return [
    ...(where ? missing({ ...settings, recordingSuffix, sidecarSuffix }, 'RECORDINGS is mongodb', 'mongodbUrl') : []),
    ...(recordingSuffix === sidecarSuffix ? [same] : []),
  ]
}

function mailNeeds(settings: Settings): readonly string[] {
  if (settings.alertSmtpUrl !== undefined) {
    return missing(settings, 'ALERT_SMTP_URL is set', 'alertMailFrom', 'alertMailTo')
  }
  return settings.alertMailTo === undefined ? [] : missing(settings, 'ALERT_MAIL_TO is set', 'alertSmtpUrl')
}

function tlsNeeds(settings: Settings): readonly string[] {
  const files = ['kafkaTlsCa', 'kafkaTlsCert', 'kafkaTlsKey'] as const
  if (settings.kafkaTls === 'off') {
    return present(settings, ...files).map(
      (name) => `KAFKA_TLS: expected on because ${name} is set; came off; set TIDEMARK_KAFKA_TLS=on, or unset ${name}`,
    )
  }
  return together(settings, 'kafkaTlsCert', 'kafkaTlsKey')
}

/** Users with their passwords. */
function accessNeeds(settings: Settings): readonly string[] {
  const sasl = ['kafkaSaslMechanism', 'kafkaSaslUsername', 'kafkaSaslPassword'] as const
  return [...together(settings, ...sasl), ...together(settings, 'registryUsername', 'registryPassword')]
}

/** All of them, or none. */
function together(settings: Settings, ...keys: readonly Key[]): readonly string[] {
  const [first] = present(settings, ...keys)
  return first === undefined ? [] : missing(settings, `${first} is set`, ...keys)
}

function present(settings: Settings, ...keys: readonly Key[]): readonly string[] {
  return keys.filter((key) => settings[key] !== undefined).map((key) => SETTINGS[key].name)
}

function missing(settings: Settings, why: string, ...keys: readonly Key[]): readonly string[] {
  return keys
    .filter((key) => settings[key] === undefined)
    .map((key) => SETTINGS[key])
    .map(({ name, kind }) => `${name}: expected ${kind.expected} because ${why}; came none; set TIDEMARK_${name}`)
}
