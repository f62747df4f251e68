/** Settings: order of sources, one message for everything wrong, names that are nearly right. */

import { describe, expect, test } from 'vitest'
import { SETTINGS } from '../../../services/core/setting-declarations.ts'
import {
  isLoopback,
  nearest,
  type ParsedSettings,
  parseSettings,
  settingsMarkdown,
} from '../../../services/core/settings.ts'

function good(parsed: ParsedSettings) {
  if (!parsed.ok) throw new TypeError(parsed.faults.join('\n'))
  return parsed
}

function faultsOf(parsed: ParsedSettings): readonly string[] {
  return parsed.ok ? [] : parsed.faults
}

function prefixed(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).map(([name, text]) => [`TIDEMARK_${name}`, text]))
}

describe('settings', () => {
  test('every default can be read, and has its unit', () => {
    const { settings } = good(parseSettings({ env: {} }))
    expect(settings).toMatchObject({
      dataDir: './data',
      gatewayId: 'local',
      httpPort: 8080,
      stores: ['embedded'],
      journalMaxBytes: 2 ** 30,
      journalKeepMs: 7 * 86_400_000,
      identityKeepMs: 400 * 86_400_000,
      recoveryBytesPerS: 4e6,
      heartbeatMs: 2000,
      requestDeadlineMs: 30_000,
      sliceReadings: 20_000,
      bodyMaxBytes: 10e6,
    })
    expect('httpToken' in settings).toBe(false)
  })

  test('the command line wins over the environment, that over the file, that over the default', () => {
    const file = { path: 'tidemark.yaml', text: 'HTTP_PORT: 1\nGATEWAY_ID: file\nDATA_DIR: file\nLOG_LEVEL: debug' }
    const env = { TIDEMARK_HTTP_PORT: '2', TIDEMARK_DATA_DIR: 'env', PATH: '/bin', TIDEMARK_JOURNAL_KEEP: '' }
    const { settings, rows } = good(parseSettings({ flags: { HTTP_PORT: '3' }, env, file }))
    expect(settings).toMatchObject({ httpPort: 3, dataDir: 'env', gatewayId: 'file', logLevel: 'debug' })
    const sources = Object.fromEntries(rows.map(({ name, source }) => [name, source]))
    expect(sources).toMatchObject({
      HTTP_PORT: 'command line',
      DATA_DIR: 'environment',
      GATEWAY_ID: 'file',
      JOURNAL_KEEP: 'default',
      HTTP_TOKEN: 'not set',
    })
  })

  test('one message names every wrong one: what was expected, what came, what to do', () => {
    const faults = faultsOf(
      parseSettings({
        env: {
          TIDEMARK_HTTP_PORT: 'eighty',
          TIDEMARK_JOURNAL_KEEP: '7 fortnights',
          TIDEMARK_STORES: 'embedded,postgres',
        },
        file: { path: 't.yaml', text: 'LOG_LEVEL: loud\nJOURNAL_FULL: [1, {a: 2}]' },
      }),
    )
    expect(faults).toHaveLength(5)
    const all = faults.join('\n')
    expect(all).toContain(
      "TIDEMARK_HTTP_PORT: expected a whole number from 0 to 65535, came 'eighty'; mend it, or unset it",
    )
    expect(all).toContain('TIDEMARK_JOURNAL_KEEP: expected a duration')
    expect(all).toContain("came 'embedded,postgres'")
    expect(all).toContain('LOG_LEVEL in t.yaml: expected one of trace')
    expect(all).toContain('JOURNAL_FULL in t.yaml: expected one value or a list')
  })

  test.each([
    ['TIDEMARK_HTPP_PORT', 'TIDEMARK_HTTP_PORT'],
    ['TIDEMARK_DATADIR', 'TIDEMARK_DATA_DIR'],
    ['TIDEMARK_JOURNAL_MAXBYTES', 'TIDEMARK_JOURNAL_MAX_BYTES'],
  ])('an unknown name %s is an error that names the nearest known one', (wrong, right) => {
    expect(faultsOf(parseSettings({ env: { [wrong]: 'x' } }))).toEqual([
      `${wrong}: no such setting; did you mean ${right}?`,
    ])
  })

  test('an unknown key of the file is an error; one that is near to nothing leads to the list', () => {
    const faults = faultsOf(parseSettings({ env: {}, file: { path: 't.yaml', text: 'heartbeet: 1s\nquux: 1' } }))
    expect(faults).toEqual([
      'heartbeet in t.yaml: no such setting; did you mean HEARTBEAT?',
      "quux in t.yaml: no such setting; see 'tidemark settings' for all names",
    ])
  })

  test.each([
    ['a: [', 'expected YAML'],
    ['- 1\n- 2', 'expected lines such as'],
    ['just words', 'expected lines such as'],
  ])('a file that is no table of settings is named: %j', (text, expected) => {
    expect(faultsOf(parseSettings({ env: {}, file: { path: 't.yaml', text } }))[0]).toContain(`t.yaml: ${expected}`)
  })

  test('an empty file and a file of remarks set nothing', () => {
    for (const text of ['', '# nothing', 'HTTP_TOKEN:']) {
      expect(parseSettings({ env: {}, file: { path: 't.yaml', text } }).ok).toBe(true)
    }
  })

  test('lists and numbers of the file are taken as they are written', () => {
    const file = { path: 't.yaml', text: 'STORES: [embedded]\nHTTP_PORT: 0\nJOURNAL_MAX_BYTES: 64MB' }
    expect(good(parseSettings({ env: {}, file })).settings).toMatchObject({
      stores: ['embedded'],
      httpPort: 0,
      journalMaxBytes: 64e6,
    })
  })

  test('a store named twice is refused', () => {
    expect(faultsOf(parseSettings({ env: { TIDEMARK_STORES: 'embedded, embedded' } }))).toHaveLength(1)
  })

  test('an address other machines can reach needs a token', () => {
    const env = { TIDEMARK_HTTP_HOST: '0.0.0.0' }
    expect(faultsOf(parseSettings({ env }))[0]).toMatch(
      /^HTTP_TOKEN: expected a token because HTTP_HOST is '0\.0\.0\.0'/,
    )
    expect(parseSettings({ env: { ...env, TIDEMARK_HTTP_TOKEN: 's3cret' } }).ok).toBe(true)
    for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost']) expect(isLoopback(host)).toBe(true)
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.0.0.1.example.org']) {
      expect(isLoopback(host)).toBe(false)
    }
  })

  test.each([
    [
      { MESSAGE_LOG: 'kafka' },
      ['KAFKA_BROKERS: expected a comma-separated list of HOST:PORT because MESSAGE_LOG is kafka'],
    ],
    [{ STORES: 'mongodb,embedded' }, ['MONGODB_URL: expected a URL with a database']],
    [{ LEDGER: 'mongodb' }, ['because LEDGER is mongodb; came none; set TIDEMARK_MONGODB_URL']],
    [
      { STORES: 'influxdb', INFLUXDB_ORG: 'o' },
      ['INFLUXDB_URL: expected an http', 'INFLUXDB_TOKEN: expected', 'INFLUXDB_BUCKET: expected'],
    ],
    [{ KAFKA_TLS_CA: 'ca.pem' }, ['KAFKA_TLS: expected on because KAFKA_TLS_CA is set; came off']],
    [{ KAFKA_TLS: 'on', KAFKA_TLS_CERT: 'c.pem' }, ['KAFKA_TLS_KEY: expected']],
    [{ KAFKA_SASL_USERNAME: 'u' }, ['KAFKA_SASL_MECHANISM: expected', 'KAFKA_SASL_PASSWORD: expected']],
    [{ REGISTRY_PASSWORD: 'p' }, ['REGISTRY_USERNAME: expected']],
  ])('what a choice needs besides is named, each with what to set: %j', (given, expected) => {
    const faults = faultsOf(parseSettings({ env: prefixed(given) }))
    expect(faults).toHaveLength(expected.length)
    for (const [i, part] of expected.entries()) expect(faults[i]).toContain(part)
  })

  test('engines with all they need are taken as they are given', () => {
    const env = prefixed({
      MESSAGE_LOG: 'kafka',
      KAFKA_BROKERS: 'a.example:9092, [::1]:9093',
      KAFKA_REPLICATION_FACTOR: '1',
      KAFKA_TLS: 'on',
      STORES: 'mongodb,influxdb',
      LEDGER: 'mongodb',
      MONGODB_URL: 'mongodb://ann:pa%40ss@a:27017,b:27017/fleet?replicaSet=rs',
      INFLUXDB_URL: 'http://127.0.0.1:8086/',
      INFLUXDB_TOKEN: 't0ken',
      INFLUXDB_ORG: 'o',
      INFLUXDB_BUCKET: 'b',
      REGISTRY: 'https://registry.example/apis/ccompat/v7',
    })
    const { settings, rows } = good(parseSettings({ env }))
    expect(settings).toMatchObject({
      messageLog: 'kafka',
      kafkaBrokers: ['a.example:9092', '[::1]:9093'],
      kafkaReplicationFactor: 1,
      kafkaTls: 'on',
      stores: ['mongodb', 'influxdb'],
      mongodbUrl: env.TIDEMARK_MONGODB_URL,
      influxdbUrl: 'http://127.0.0.1:8086',
      registry: 'https://registry.example/apis/ccompat/v7',
    })
    expect(JSON.stringify(rows)).not.toMatch(/pa%40ss|t0ken/)
    expect(rows.find(({ name }) => name === 'MONGODB_URL')?.value).toBe(
      'mongodb://********@a:27017,b:27017/fleet?replicaSet=rs',
    )
  })

  test.each([
    ['KAFKA_BROKERS', 'a.example'],
    ['KAFKA_BROKERS', 'a:9092,,b:9092'],
    ['KAFKA_BROKERS', 'a:99999'],
    ['MONGODB_URL', 'mongodb://ann:s3cret@a:27017'],
    ['MONGODB_URL', 'mongodb://ann:s3cret@a:27017/'],
    ['MONGODB_URL', 'http://ann:s3cret@a/b'],
    ['INFLUXDB_URL', 'http://ann:s3cret@a:8086'],
    ['INFLUXDB_URL', '127.0.0.1:8086'],
    ['REGISTRY', 'kafka'],
    ['REGISTRY', 'http://ann:s3cret@a:8081'],
  ])('an address that can not be one is refused, and a password in it is not repeated: %s=%s', (name, text) => {
    const faults = faultsOf(parseSettings({ env: prefixed({ [name]: text }) }))
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(`TIDEMARK_${name}: expected`)
    expect(faults[0]).not.toContain('s3cret')
  })

  test('what only the engines of tests and trials are told is no wrong setting', () => {
    expect(parseSettings({ env: prefixed({ ENGINES_DIR: '/cache', REQUIRE_ENGINES: '1' }) }).ok).toBe(true)
  })

  test('a secret is shown nowhere', () => {
    const { rows } = good(parseSettings({ env: { TIDEMARK_HTTP_TOKEN: 's3cret' } }))
    expect(JSON.stringify(rows)).not.toContain('s3cret')
    expect(rows.find(({ name }) => name === 'HTTP_TOKEN')?.value).toBe('********')
    expect(faultsOf(parseSettings({ env: { TIDEMARK_HTTP_TOKEN: '  ' } }))[0]).toContain('came something else')
  })

  test('the table for the README has a row for every setting', () => {
    const markdown = settingsMarkdown()
    for (const { name } of Object.values(SETTINGS)) expect(markdown).toContain(`| \`${name}\` |`)
    expect(markdown.trim().split('\n')).toHaveLength(Object.keys(SETTINGS).length + 2)
  })

  test('nearest gives up where more than half would have to change', () => {
    expect(nearest('abcd', ['wxyz'])).toBeUndefined()
    expect(nearest('abxx', ['abcd', 'zzzz'])).toBe('abcd')
    expect(nearest('', [])).toBeUndefined()
  })
})

test('a process needs the access to those stores only that it opens', () => {
  const env = prefixed({ STORES: 'mongodb,influxdb', LEDGER: 'mongodb', MONGODB_URL: 'mongodb://mongo/fleet' })
  expect(parseSettings({ env, opened: [] }).ok).toBe(true)
  expect(parseSettings({ env, opened: ['mongodb'] }).ok).toBe(true)
  expect(faultsOf(parseSettings({ env, opened: ['influxdb'] }))).toHaveLength(4)
  expect(faultsOf(parseSettings({ env }))).toHaveLength(4)
})
