/** The README's walk through a new message type, run as it is printed there on real engines: type file, commands, and a consumer that knows nothing of tidemark. */

import { spawn } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { engineTests } from '../../support/engines.ts'
import { type Environment, environmentOn } from '../../support/environment.ts'
import { readmeExample as example, README } from '../../support/readme-example.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { startUp, tidemark } from '../../support/up-process.ts'

const engines = engineTests('kafka', 'mongodb', 'influxdb', 'registry')

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const DOOR = 'http://127.0.0.1:8080'

/** What the README says that the consumer prints. */
function promised(): unknown {
  const line = /It prints `(\{.*\})`/.exec(README)?.[1]
  if (line === undefined) throw new Error('the README does not say what the consumer prints')
  return JSON.parse(line)
}

/** The first line that a program prints; it is ended then. */
async function firstLine(dir: string, file: string, env: Environment): Promise<string> {
  const child = spawn(process.execPath, [file], {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let out = ''
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await vi.waitFor(() => expect(out, said).toContain('\n'), { timeout: 60_000 })
  child.kill('SIGKILL')
  return out.split('\n')[0] ?? ''
}

engines.describe('the walk through a new message type', () => {
  test('goes from the type file to the reading in both stores and to a plain consumer, as printed', {
    timeout: 180_000,
  }, async () => {
    await using dir = await temporaryDir()
    await mkdir(`${dir.path}/types`)
    await writeFile(`${dir.path}/types/tide_gauge.avsc`, example('tide_gauge.avsc'))
    await writeFile(`${dir.path}/read-tides.mjs`, example('read-tides.mjs'))
    await symlink(`${ROOT}node_modules`, `${dir.path}/node_modules`)
    const started = [await engines.kafka(), await engines.mongodb(), await engines.influxdb(), await engines.registry()]
    const TYPES_DIR = `${dir.path}/types`
    const env = environmentOn(started, { STORES: 'mongodb,influxdb', TYPES_DIR, UNDECLARED_TYPES: 'refuse' })

    const run: Readonly<Record<string, (line: string) => Promise<void>>> = {
      export: async (line) => expect(line).toBe('export TIDEMARK_TYPES_DIR=types'),
      npx: async (line) => {
        const [, program, ...args] = line.split(' ')
        expect(program).toBe('tidemark')
        if (args[0] === 'up') url = (await startUp(`${dir.path}/data`, args.slice(1, -1), env)).url
        else ran.push([args.join(' '), await tidemark(`${dir.path}/data`, args, env)])
      },
      curl: async (line) => {
        const [, body, address = ''] = /^curl -d '(.*)' (.*)$/.exec(line) ?? []
        const answer = await fetch(address.replace(DOOR, url), { method: 'POST', body: body ?? '' })
        expect(await answer.json()).toMatchObject({ accepted: 1, rejected: [] })
      },
      node: async (line) => {
        expect(JSON.parse(await firstLine(dir.path, line.split(' ')[1] ?? '', env))).toEqual(promised())
      },
    }
    let url = ''
    const ran: [string, Awaited<ReturnType<typeof tidemark>>][] = []
    for (const printed of example('commands').trim().split('\n')) {
      const line = printed.replace(/ +#.*$/, '')
      const runs = run[line.split(' ')[0] ?? '']
      if (runs === undefined) throw new Error(`nobody knows how to run ${line}`)
      await runs(line)
    }

    for (const [args, { code, out, err }] of ran) expect(code, `${args}: ${out}${err}`).toBe(0)
    expect(ran.map(([args]) => args.split(' ').slice(0, 3).join(' '))).toEqual([
      'schemas check',
      'schemas register',
      'proof --wait 60s',
      'export --store mongodb',
      'export --store influxdb',
    ])
    for (const [, { out }] of ran.slice(-2)) {
      expect(JSON.parse(out)).toMatchObject({ type: 'tide_gauge', sensor: 'pier', values: { level: 3.25 } })
    }
  })
})
