/** `npm run bench -- embedded`: from the door to proof complete on one machine, against the bare engine and the bare server in the same run. */

import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, diskBytes, runChild, startChild } from './processes.ts'
import { BATCH, jsonBody } from './readings.ts'

export interface EmbeddedBench {
  readonly readings: number
  /** Readings loaded before the second round; 0 leaves out the rounds that need them. */
  readonly before: number
  /** Journal lives before the third round. */
  readonly epochs: number
}

interface Round {
  readonly capturePerS: number
  readonly endToEndPerS: number
}

const IN_FLIGHT = 4
const PREPARED = 100
const POLL_MS = 250

export async function benchEmbedded(options: EmbeddedBench): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  try {
    const engine = Number(
      await runChild('test/bench/bare-engine.js', [join(dir, 'bare.mdb'), String(options.readings)]),
    )
    say('bare engine, synced transactions of 1,000', perS(engine))
    const server = await bareServer(dir, options.readings)
    say('bare server: node:http, JSON.parse, synced append', perS(server))
    const capture = await captureAlone(join(dir, 'cut'), options.readings)
    say('capture alone, the link cut', `${perS(capture)}, ${(capture / server).toFixed(2)} of the bare server`)
    await withTidemark(dir, options, { engine, server })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function bareServer(dir: string, readings: number): Promise<number> {
  const child = await startChild('test/bench/bare-server.js', [join(dir, 'bare.log')])
  const rate = await post(child, '/', 0, readings)
  await child.end()
  return rate
}

/** What a gateway's door and journal take when nothing else runs beside them, as on a gateway machine whose link is down. */
async function captureAlone(data: string, readings: number): Promise<number> {
  const child = await up(data)
  await runChild('services/main.js', ['link', 'cut', 'local', '--data', data])
  const rate = await post(child, '/readings', 0, readings)
  await child.end()
  return rate
}

async function withTidemark(
  dir: string,
  options: EmbeddedBench,
  bare: { engine: number; server: number },
): Promise<void> {
  const data = join(dir, 'data')
  const { readings } = options
  let child = await up(data)
  const first = await round(child, 0, readings)
  tell('first round', first, bare)
  say('  private memory, peak', `${(child.privatePeak() / 1e6).toFixed(0)} MB (at most 300)`)
  say('  CPU', `${((child.cpuSeconds() / readings) * 1e6).toFixed(1)} µs a reading`)
  say('  on disk', `${(diskBytes(data) / readings).toFixed(0)} bytes a reading (journal, log, store)`)
  if (options.before > 0) {
    await round(child, readings, options.before - readings)
    const second = await round(child, options.before, readings)
    tell(`on top of ${options.before.toLocaleString('en')}`, second, bare)
    compare(second, first)
    say('  private memory, peak', `${(child.privatePeak() / 1e6).toFixed(0)} MB`)
  }
  await child.end()
  if (options.epochs > 0) {
    const journal = join(data, 'gateways', 'local', 'journal.mdb')
    await runChild('test/bench/epochs.js', [journal, 'local', String(options.epochs)])
    child = await up(data)
    await settled(child, 0)
    const third = await round(child, options.before + readings, readings)
    tell(`after ${options.epochs.toLocaleString('en')} restarts`, third, bare)
    compare(third, first)
    await child.end()
  }
}

function up(data: string): Promise<Child> {
  const roomy = { TIDEMARK_JOURNAL_MAX_BYTES: '64GB', TIDEMARK_LOG_KEEP_BYTES: '64GB', TIDEMARK_LOG_LEVEL: 'error' }
  return startChild('services/main.js', ['up', '--no-demo', '--data', data, '--port', '0'], roomy)
}

async function round(child: Child, from: number, count: number): Promise<Round> {
  const startMs = performance.now()
  const before = await proof(child)
  const capturePerS = await post(child, '/readings', from, count)
  await settled(child, before.accepted + count)
  return { capturePerS, endToEndPerS: (count / (performance.now() - startMs)) * 1000 }
}

/** Until the proof is complete and covers so many. */
async function settled(child: Child, count: number): Promise<void> {
  for (;;) {
    const now = await proof(child)
    if (now.settled >= count && now.state === 'complete') return
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

async function proof(child: Child): Promise<{ state: string; accepted: number; settled: number }> {
  const answer = await fetch(`http://127.0.0.1:${child.port}/api/proof?gateway=local`)
  if (!answer.ok) return { state: 'unknown', accepted: 0, settled: 0 }
  const { gateways } = (await answer.json()) as { gateways: { state: string; accepted: number; settled: number }[] }
  return gateways[0] ?? { state: 'unknown', accepted: 0, settled: 0 }
}

/** Readings/s until every request is answered. */
async function post(child: Child, path: string, from: number, count: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT })
  let spentMs = 0
  // Bodies are made a tenth at a time, outside of what is timed.
  for (let first = from; first < from + count; first += PREPARED * BATCH) {
    const bodies = Array.from({ length: Math.min(PREPARED, (from + count - first) / BATCH) }, (_, i) =>
      jsonBody(first + i * BATCH),
    )
    const send = async (): Promise<void> => {
      for (let body = bodies.shift(); body !== undefined; body = bodies.shift())
        await postOne(agent, child.port, path, body)
    }
    const startMs = performance.now()
    await Promise.all(Array.from({ length: IN_FLIGHT }, send))
    spentMs += performance.now() - startMs
  }
  agent.destroy()
  return (count / spentMs) * 1000
}

function postOne(agent: Agent, port: number, path: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
    const sent = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      let said = ''
      response.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
      response.on('end', () => {
        const accepted = (JSON.parse(said) as { accepted?: number }).accepted
        if (response.statusCode === 200 && accepted === BATCH) resolve()
        else reject(new Error(`${response.statusCode} ${said.slice(0, 200)}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function tell(name: string, each: Round, bare: { engine: number; server: number }): void {
  say(
    `${name}: capture`,
    `${perS(each.capturePerS)}, ${(each.capturePerS / bare.server).toFixed(2)} of the bare server`,
  )
  say(
    `${name}: end to end`,
    `${perS(each.endToEndPerS)}, ${(each.endToEndPerS / bare.engine).toFixed(3)} of the bare engine`,
  )
}

function compare(each: Round, first: Round): void {
  say('  end to end against the first round', (each.endToEndPerS / first.endToEndPerS).toFixed(2))
}

function perS(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')} readings/s`
}

function say(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(52)} ${figure}\n`)
}
