/** Settings that are wrong, and rights that are taken away, in real processes on real engines: each says what to fix, nothing is lost, and it goes on once mended. */

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { EngineProcess } from '../../../infra/engines/engine-process.ts'
import type { InfluxdbEngine } from '../../../infra/influxdb/launcher.ts'
import { startKafka } from '../../../infra/kafka/launcher.ts'
import { cuttableProxy } from '../../support/cuttable-proxy.ts'
import { engineTests } from '../../support/engines.ts'
import { type Environment, environmentOf, environmentOn } from '../../support/environment.ts'
import { type ServiceProcess, startService } from '../../support/service-process.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { type DoorReading, post, series, tidemark } from '../../support/up-process.ts'

const engines = engineTests('kafka', 'mongodb', 'influxdb', 'registry')

const DAY_MS = Date.UTC(2026, 2, 1)
const LONG = { timeout: 60_000, interval: 200 }
const SINK = ['sink', '--store', 'influxdb']

type Given = Readonly<Record<string, string>>

/** Of a gateway of that name, with a database and a bucket of that name. */
async function environment(name: string, kafka: EngineProcess, more: Given): Promise<Environment> {
  const [mongodb, influxdb, registry] = [await engines.mongodb(), await engines.influxdb(), await engines.registry()]
  const MONGODB_URL = mongodb.url.replace(/\w+$/, name)
  const own = { STORES: 'influxdb', LEDGER: 'mongodb', MONGODB_URL, INFLUXDB_BUCKET: name, GATEWAY_ID: name }
  return environmentOn([kafka, mongodb, influxdb, registry], { ...own, ...more })
}

async function makeBucket(influxdb: InfluxdbEngine, name: string): Promise<void> {
  await manage(influxdb, 'POST', '/buckets', { orgID: await organisation(influxdb), name })
}

async function organisation(influxdb: InfluxdbEngine): Promise<string> {
  const { orgs } = await manage<{ readonly orgs: readonly { readonly id: string }[] }>(influxdb, 'GET', '/orgs')
  return orgs[0]?.id ?? ''
}

/** In these words why it is not ready, and in its log. */
function says(service: ServiceProcess, words: RegExp, logged = words): Promise<void> {
  return vi.waitFor(async () => {
    const answer = await fetch(`${service.url}/ready`)
    expect(answer.status).toBe(503)
    const { engines } = (await answer.json()) as { engines: { ready: boolean; reason?: string }[] }
    expect(engines.map(({ reason = '' }) => reason).join('\n')).toMatch(words)
    expect(service.output()).toMatch(logged)
  }, LONG)
}

function isReady(service: ServiceProcess): Promise<void> {
  return vi.waitFor(async () => expect((await fetch(`${service.url}/ready`)).status).toBe(200), LONG)
}

function linkIsUp(gateway: ServiceProcess): Promise<void> {
  return vi.waitFor(async () => {
    const figures = await (await fetch(`${gateway.url}/metrics`)).text()
    expect(figures).toMatch(/^tidemark_link_up\{.*\} 1$/m)
  }, LONG)
}

/** Everything that was accepted stands in the store, each reading once. */
async function allLands(dir: string, env: Environment, count: number): Promise<void> {
  const own = `${dir}/commands`
  const proved = await tidemark(own, ['proof', '--wait', '60s'], env)
  expect(proved.code, proved.out + proved.err).toBe(0)
  const ran = await tidemark(own, ['export', '--store', 'influxdb', '--format', 'ndjson'], env)
  const readings = ran.out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as DoorReading]))
  expect(readings).toHaveLength(count)
  expect(new Set(readings.map(({ sensor, time }) => `${sensor} ${time}`)).size).toBe(count)
}

/** Asks InfluxDB as its administrator does. */
async function manage<T>({ url, token }: InfluxdbEngine, method: string, path: string, body?: object): Promise<T> {
  const init = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await fetch(`${url}/api/v2${path}`, { method, headers: { authorization: `Token ${token}` }, ...init })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

/** `sink` is what is set for the sink alone. */
async function fleet(
  dir: string,
  env: Environment,
  sink: Given = {},
): Promise<Readonly<Record<'gateway' | 'recovery' | 'sink', ServiceProcess>>> {
  return {
    gateway: await startService(['gateway', '--data', dir], env),
    recovery: await startService(['recovery'], env),
    sink: await startService(SINK, { ...env, ...environmentOf(sink) }),
  }
}

async function end(...services: readonly ServiceProcess[]): Promise<void> {
  const ends = await Promise.all(services.map((service) => service.end('SIGTERM')))
  expect(ends.map(({ code }) => code)).toEqual(services.map(() => 0))
}

engines.describe('what is set wrong', () => {
  test('a token, a bucket, a right: the sink says which to mend, loses nothing, and goes on by itself once it is', {
    timeout: 240_000,
  }, async () => {
    const influxdb = await engines.influxdb()
    await using dir = await temporaryDir()
    const orgID = await organisation(influxdb)
    const may = (action: string) => ({ action, resource: { type: 'buckets', orgID } })
    const access = { orgID, permissions: [may('read'), may('write')] }
    const { id, token } = await manage<{ id: string; token: string }>(influxdb, 'POST', '/authorizations', access)
    const rights = (status: string) => manage(influxdb, 'PATCH', `/authorizations/${id}`, { status })
    const env = await environment('token', await engines.kafka(), { INFLUXDB_TOKEN: token })

    const { gateway, recovery, sink: wrong } = await fleet(dir.path, env, { INFLUXDB_TOKEN: 'nobody-gave-this' })
    expect(await post(gateway.url, series(100, DAY_MS, 'wrong-token'))).toMatchObject({ accepted: 100 })
    await says(wrong, /check INFLUXDB_TOKEN/)
    expect(wrong.output()).not.toContain('nobody-gave-this')
    await end(wrong)

    const sink = await startService(SINK, env)
    await says(sink, /check INFLUXDB_BUCKET \(token\)/)
    await makeBucket(influxdb, 'token')
    await isReady(sink)
    await allLands(dir.path, env, 100)

    await rights('inactive')
    expect(await post(gateway.url, series(100, DAY_MS, 'token-revoked'))).toMatchObject({ accepted: 100 })
    await says(sink, /INFLUXDB_TOKEN/, /INFLUXDB_TOKEN.*the store is away/)
    await rights('active')
    await isReady(sink)
    await allLands(dir.path, env, 200)
    await end(gateway, recovery, sink)
  })

  test('brokers that take a connection and never answer: the gateway accepts, all say what to check, and all lands once they do', {
    timeout: 240_000,
  }, async () => {
    await using proxy = await cuttableProxy()
    await using kafka = await startKafka({ advertisedPorts: [proxy.port] })
    await using dir = await temporaryDir()
    const env = await environment('silence', kafka, { KAFKA_BROKERS: `127.0.0.1:${proxy.port}` })
    await makeBucket(await engines.influxdb(), 'silence')

    proxy.forwardTo(await silentPort())
    const { gateway, recovery, sink } = await fleet(dir.path, env)
    expect(await post(gateway.url, series(100, DAY_MS, 'silence'))).toMatchObject({ accepted: 100 })
    await isReady(gateway)
    for (const service of [recovery, sink]) await says(service, /check KAFKA_BROKERS/)
    await vi.waitFor(() => expect(gateway.output()).toMatch(/check KAFKA_BROKERS/), LONG)

    proxy.cut()
    proxy.forwardTo(kafka.proxied[0]?.port ?? 0)
    proxy.restore()
    for (const service of [recovery, sink]) await isReady(service)
    await linkIsUp(gateway)
    await allLands(dir.path, env, 100)
    await end(gateway, recovery, sink)
  })

  test('a password: whoever has the wrong one says so, loses nothing, and goes on by itself once it is the right one', {
    timeout: 240_000,
  }, async () => {
    await using kafka = await startKafka({ secure: [{ users: { fleet: 'the-old-password' } }] })
    await using dir = await temporaryDir()
    await makeBucket(await engines.influxdb(), 'password')
    const env = await environment('password', kafka, {
      KAFKA_BROKERS: kafka.secure[0] ?? '',
      KAFKA_SASL_MECHANISM: 'scram-sha-256',
      KAFKA_SASL_USERNAME: 'fleet',
      KAFKA_SASL_PASSWORD: 'the-new-password',
    })

    const { gateway, recovery, sink } = await fleet(dir.path, env)
    expect(await post(gateway.url, series(100, DAY_MS, 'wrong-password'))).toMatchObject({ accepted: 100 })
    for (const service of [recovery, sink]) await says(service, /check .*KAFKA_SASL_PASSWORD/)
    await vi.waitFor(() => expect(gateway.output()).toMatch(/check .*KAFKA_SASL_PASSWORD/), LONG)
    for (const service of [gateway, recovery, sink]) expect(service.output()).not.toContain('the-new-password')

    await kafka.setPassword('fleet', 'the-new-password')
    for (const service of [recovery, sink]) await isReady(service)
    await linkIsUp(gateway)
    await allLands(dir.path, env, 100)
    await end(gateway, recovery, sink)
  })
})

/** Of a server that takes every connection and says nothing. */
async function silentPort(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume())
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
