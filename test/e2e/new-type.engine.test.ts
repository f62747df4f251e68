/** The README's walk through a new message type, from its file to a consumer that knows nothing of tidemark. */

import { spawn } from 'node:child_process'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { packageFile } from '../../services/main/package-files.ts'
import { engineTests } from '../support/engines.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { proofNow, startUp, tidemark } from '../support/up-process.ts'

const engines = engineTests('kafka', 'mongodb', 'influxdb', 'registry')

async function readmeBlocks(): Promise<{ readonly avsc: string; readonly body: string; readonly consumer: string }> {
  const readme = await readFile(packageFile('README.md'), 'utf8')
  const section = readme.slice(readme.indexOf('## Add a message type'), readme.indexOf('## Add a store'))
  const block = (kind: string): string => new RegExp(`\`\`\`${kind}\\n([^]*?)\`\`\``).exec(section)?.[1] ?? ''
  return { avsc: block('json'), body: /-d '(.*)'/.exec(section)?.[1] ?? '', consumer: block('js') }
}

engines.describe('a new message type by the book', () => {
  test('is declared by one file, checked, registered, lands in both stores, and any consumer reads it', {
    timeout: 180_000,
  }, async () => {
    const [kafka, mongodb] = [await engines.kafka(), await engines.mongodb()]
    const [influxdb, registry] = [await engines.influxdb(), await engines.registry()]
    const { avsc, body, consumer } = await readmeBlocks()
    await using dir = await temporaryDir()
    const types = join(dir.path, 'types')
    await cp(packageFile('schemas/types'), types, { recursive: true })
    await writeFile(join(types, 'wind.avsc'), avsc)
    const settings = Object.assign({}, ...[kafka, mongodb, influxdb, registry].map((each) => each.settings), {
      STORES: 'mongodb,influxdb',
      UNDECLARED_TYPES: 'refuse',
      TYPES_DIR: types,
    })
    const env = Object.fromEntries(Object.entries<string>(settings).map(([name, value]) => [`TIDEMARK_${name}`, value]))
    const data = join(dir.path, 'data')
    for (const command of ['check', 'register']) {
      const ran = await tidemark(data, ['schemas', command], env)
      expect(ran.code, ran.err).toBe(0)
      expect(ran.out).toContain('wind')
    }

    const up = await startUp(data, ['--no-demo'], env)
    const send = (text: string): Promise<Response> => fetch(`${up.url}/readings`, { method: 'POST', body: text })
    expect(await (await send(body)).json()).toMatchObject({ accepted: 1 })
    expect(await (await send(body.replace('"gust"', '"gist"'))).text()).toContain('gist')
    expect(await proofNow(data, '--wait', '60s')).toMatchObject({ code: 0, gateways: [{ accepted: 1, settled: 1 }] })
    for (const store of ['mongodb', 'influxdb']) {
      const { out } = await tidemark(data, ['export', '--store', store, '--format', 'ndjson'], env)
      expect(JSON.parse(out), store).toMatchObject({
        type: 'wind',
        sensor: 'roof',
        values: { speed: 7.5, gust: 11.25 },
      })
    }

    const elsewhere = join(dir.path, 'elsewhere')
    await mkdir(elsewhere)
    await symlink(packageFile('node_modules'), join(elsewhere, 'node_modules'))
    await writeFile(join(elsewhere, 'wind-consumer.mjs'), consumer)
    const args = ['wind-consumer.mjs', env.TIDEMARK_KAFKA_BROKERS ?? '', env.TIDEMARK_REGISTRY ?? '']
    const child = spawn(process.execPath, args, { cwd: elsewhere })
    onTestFinished(() => void child.kill('SIGKILL'))
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const line = /^local roof \d{4}-\d\d-\d\dT[\d:.]+Z 7\.5 11\.25$/m
    await vi.waitFor(() => expect(said).toMatch(line), { timeout: 60_000, interval: 200 })
  })
})
