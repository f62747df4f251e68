/** The whole pipeline on real engines: Kafka, MongoDB's stand-in, InfluxDB and a registry, each killed or away for a while. */

import { expect, test } from 'vitest'
import { engineTests } from '../support/engines.ts'
import { environmentOn } from '../support/environment.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { type DoorReading, exported, lineOf, post, proofNow, series, startUp, tidemark } from '../support/up-process.ts'

const engines = engineTests('kafka', 'mongodb', 'influxdb', 'registry')

const DAY_MS = Date.UTC(2026, 2, 1)
const STORES = ['mongodb', 'influxdb']

engines.describe('on real engines', () => {
  test('what a door accepted stands in both stores once, however log, stores and process failed in between', {
    timeout: 300_000,
  }, async () => {
    const [kafka, mongodb] = [await engines.kafka(), await engines.mongodb()]
    const [influxdb, registry] = [await engines.influxdb(), await engines.registry()]
    const env = environmentOn([kafka, mongodb, influxdb, registry], { STORES: STORES.join(',') })
    await using dir = await temporaryDir()
    const sent: DoorReading[] = []
    const send = async (url: string, sensor: string): Promise<void> => {
      const readings = series(100, DAY_MS, sensor)
      expect(await post(url, readings)).toMatchObject({ accepted: 100 })
      sent.push(...readings)
    }

    const away = [kafka, mongodb, registry]
    for (const engine of away) await engine.kill()
    const first = await startUp(dir.path, ['--no-demo'], env)
    await send(first.url, 'before-the-engines')
    expect((await fetch(`${first.url}/ready`)).status).toBe(503)
    const doctor = await tidemark(dir.path, ['doctor', '--json'], env)
    expect(doctor.code, doctor.err).toBe(1)
    expect(JSON.parse(doctor.out)).toMatchObject([
      { what: 'message log', state: 'wrong', finding: expect.stringContaining('check KAFKA_BROKERS') },
      { what: 'topics', state: 'wrong' },
      { what: 'schema registry', state: 'wrong' },
      { what: 'ledger', state: 'wrong', finding: expect.stringContaining('check MONGODB_URL') },
      { what: 'store mongodb', state: 'wrong' },
      { what: 'store influxdb', state: 'good' },
    ])
    for (const engine of away) await engine.start()
    await send(first.url, 'at-first')
    // The stand-in for MongoDB does not start again where it was killed while it made its first tables.
    expect(await proofNow(dir.path, '--wait', '60s')).toMatchObject({ code: 0 })
    await mongodb.kill()
    await send(first.url, 'without-mongodb')
    await mongodb.start()
    influxdb.pause()
    await send(first.url, 'while-influxdb-stands-still')
    influxdb.resume()
    await kafka.kill()
    await send(first.url, 'without-kafka')
    await kafka.start()
    await registry.kill()
    await send(first.url, 'without-registry')
    await registry.start()
    await first.end('SIGKILL')

    const second = await startUp(dir.path, ['--no-demo'], env)
    await send(second.url, 'at-last')
    const proof = await proofNow(dir.path, '--wait', '120s')
    expect(proof).toMatchObject({ code: 0, state: 'complete', gateways: [{ accepted: 700, settled: 700 }] })
    for (const store of STORES) expect(await exported(dir.path, store, env), store).toEqual(sent.map(lineOf).toSorted())
    expect(await tidemark(dir.path, ['verify'], env)).toMatchObject({ code: 0 })
    expect(await second.end('SIGINT')).toBeLessThan(5000)
  })
})
