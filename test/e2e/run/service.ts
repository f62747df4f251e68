/** One service of tidemark in a real process of its own: started from the built files, killed, stopped, asked for its figures, never left behind. */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { becomes, type Ended, within } from '../../faults/up.ts'
import type { Environment } from '../../support/environment.ts'
import { REPOSITORY } from './repository.ts'

const START_MS = 60_000
const END_MS = 15_000
const running = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class Service {
  readonly #child: ChildProcess
  readonly #ended: Promise<Ended>
  readonly #logFile: string
  #end: Ended | undefined
  #url: string | undefined

  /** Resolves when the service says where it answers. What it logs goes to the end of `logFile`. */
  static async start(args: readonly string[], env: Environment, logFile: string): Promise<Service> {
    const service = new Service(args, env, logFile)
    const said = await becomes(START_MS, () => service.#url !== undefined || !service.lives)
    if (said && service.#url !== undefined) return service
    service.signal('SIGKILL')
    throw new Error(`${args.join(' ')} did not start: ${service.lastWords()}`)
  }

  private constructor(args: readonly string[], env: Environment, logFile: string) {
    const log = openSync(logFile, 'a')
    this.#logFile = logFile
    this.#child = spawn(process.execPath, [join(REPOSITORY, 'bin/tidemark.js'), ...args, '--port', '0'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', log],
    })
    closeSync(log)
    running.add(this.#child)
    let said = ''
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-1000)
      this.#url ??= /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        running.delete(this.#child)
        this.#end = { code, signal }
        resolve(this.#end)
      })
    })
  }

  /** While it runs. */
  get url(): string | undefined {
    return this.lives ? this.#url : undefined
  }

  get lives(): boolean {
    return this.#end === undefined
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.signal(signal)
    return within(END_MS, this.#ended, `a service did not end within ${END_MS / 1000} s of ${signal}`)
  }

  /** Whether everything that it needs answers. */
  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.#url}/ready`)).status === 200
    } catch {
      return false
    }
  }

  /** The sum of a metric's samples whose labels hold the text; 0 where there is none. */
  async figure(name: string, labels = ''): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text()
    const samples = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    return samples
      .filter((line) => line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  lastWords(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-1500)
  }
}
