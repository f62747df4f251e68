/** Each service in a process of its own on real engines, as containers run them, with a gateway that starts while its link is away. */

import { expect, test, vi } from 'vitest'
import { startKafka } from '../../infra/kafka/launcher.ts'
import type { Proof } from '../../services/commands/proof.ts'
import { cuttableProxy } from '../support/cuttable-proxy.ts'
import { engineTests } from '../support/engines.ts'
import { type Environment, environmentOn } from '../support/environment.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { exportedReadings, post, series, tidemark } from '../support/up-process.ts'

const engines = engineTests('kafka', 'mongodb', 'influxdb', 'registry')

const DAY_MS = Date.UTC(2026, 2, 1)
const STORES = ['mongodb', 'influxdb']

async function count(dataDir: string, store: string, env: Environment): Promise<number> {
  const readings = await exportedReadings(dataDir, store, env)
  const keys = readings.map(({ type, sensor, time }) => `${type}/${sensor}/${time}`)
  expect(new Set(keys).size).toBe(keys.length)
  return keys.length
}

async function figure(service: ServiceProcess, line: string): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length + 1),
  )
}

function becomesReady(service: ServiceProcess): Promise<void> {
  return vi.waitFor(async () => expect((await fetch(`${service.url}/ready`)).status).toBe(200), {
    timeout: 60_000,
    interval: 200,
  })
}

function linkBecomes(gateway: ServiceProcess, up: 0 | 1): Promise<void> {
  return vi.waitFor(async () => expect(await figure(gateway, 'tidemark_link_up{gateway="shed"}')).toBe(up), {
    timeout: 60_000,
    interval: 200,
  })
}

engines.describe('each service in a process of its own', () => {
  test('what the gateway accepted stands in both stores once, though its link was away at the start and cut under way', {
    timeout: 300_000,
  }, async () => {
    await using proxy = await cuttableProxy()
    await using kafka = await startKafka({ advertisedPorts: [proxy.port] })
    const [mongodb, influxdb] = [await engines.mongodb(), await engines.influxdb()]
    const registry = await engines.registry()
    proxy.forwardTo(kafka.proxied[0]?.port ?? 0)
    await using dir = await temporaryDir()
    const cloud = environmentOn([kafka, mongodb, influxdb, registry], {
      STORES: STORES.join(','),
      LEDGER: 'mongodb',
    })
    const edge = environmentOn([registry], {
      MESSAGE_LOG: 'kafka',
      KAFKA_BROKERS: `127.0.0.1:${proxy.port}`,
      GATEWAY_ID: 'shed',
    })

    proxy.cut()
    const gateway = await startService(['gateway', '--data', `${dir.path}/shed`], edge)
    expect(await post(gateway.url, series(500, DAY_MS, 'at-the-start'))).toMatchObject({ accepted: 500 })
    expect(await figure(gateway, 'tidemark_link_up{gateway="shed"}')).toBe(0)
    const services = [
      gateway,
      await startService(['recovery'], cloud),
      await startService(['sink', '--store', 'mongodb'], cloud),
      await startService(['sink', '--store', 'influxdb'], cloud),
      await startService(['status'], cloud),
    ] as const
    const [, recovery, ...others] = services
    for (const service of [gateway, recovery, ...others]) await becomesReady(service)
    proxy.restore()
    await linkBecomes(gateway, 1)
    expect(await post(gateway.url, series(500, DAY_MS, 'live'))).toMatchObject({ accepted: 500 })
    await vi.waitFor(
      async () => expect(await figure(gateway, 'tidemark_uplink_published_total{gateway="shed"}')).toBe(500),
      { timeout: 60_000 },
    )
    proxy.cut()
    expect(await post(gateway.url, series(500, DAY_MS, 'while-cut'))).toMatchObject({ accepted: 500 })
    await linkBecomes(gateway, 0)
    proxy.restore()
    expect(await post(gateway.url, series(500, DAY_MS, 'after'))).toMatchObject({ accepted: 500 })

    const own = `${dir.path}/commands`
    const proved = await tidemark(own, ['proof', '--gateway', 'shed', '--json', '--wait', '120s'], cloud)
    expect(proved.code, proved.err + proved.out).toBe(0)
    const proof = JSON.parse(proved.out) as Proof
    expect(proof).toMatchObject({ state: 'complete', gateways: [{ accepted: 2000, settled: 2000 }] })
    for (const store of STORES) expect(await count(own, store, cloud), store).toBe(2000)
    expect(await figure(services[4], 'tidemark_gateway_settled_readings{gateway="shed"}')).toBe(2000)
    expect(await figure(recovery, 'tidemark_recovery_requested_positions_total')).toBeGreaterThanOrEqual(500)

    const ends = await Promise.all(services.map((service) => service.end('SIGTERM')))
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
    for (const { tookMs } of ends) expect(tookMs).toBeLessThan(10_000)
  })
})
