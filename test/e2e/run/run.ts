/** One scenario's run: a gateway of its own with clients under load, imports of real files, a link to cut, and the judgement at the end. */

import type { Offered } from '../../checker/history.ts'
import { type Chance, chanceOf } from '../../faults/chance.ts'
import { Load } from '../../faults/load.ts'
import { becomes, pause } from '../../faults/up.ts'
import { type Cloud, SERVICES, STORES } from './cloud.ts'
import { exactText } from './exact-values.ts'
import { type Judgement, judge } from './judging.ts'
import type { LogEnds } from './log-story.ts'
import { LOAD_CLIENT, type Readers, uniqueOf } from './readers.ts'
import { type FileRow, type RealFile, realFile } from './real-files.ts'
import type { Service } from './service.ts'
import { jsonBody, linesBody, type SpecialReading, specialReadings } from './special-readings.ts'

export interface RunOptions {
  readonly name: string
  readonly seed: string
  /** Rows of a real file in one import. */
  readonly rows: number
  readonly recoveryBytesPerS?: string | undefined
}

const LOAD = {
  senders: 2,
  restMs: 100,
  timeoutMs: 10_000,
  sensors: 5,
  readingsMax: 10,
  untimed: true,
  client: LOAD_CLIENT,
}
/** So slow that recovery of what a cut link left takes a few seconds. */
const SLOW_RECOVERY = '5KB'
const SOON_MS = 60_000

export class Run {
  readonly cloud: Cloud
  readonly readers: Readers
  readonly gateway: string
  readonly rows: number
  readonly chance: Chance
  readonly load: Load
  readonly failures: string[] = []
  /** For the report: what was measured beside the counts. */
  readonly notes: string[] = []
  /** Nothing may be asked for that the log holds, unless the scenario says so. */
  asksAgain = false
  readonly #recoveryBytesPerS: string
  readonly #offered: Offered[] = []
  /** Rows imported while the link was cut. */
  #missed = 0
  #from: LogEnds = new Map()
  #service: Service | undefined

  constructor(cloud: Cloud, readers: Readers, { name, seed, rows, recoveryBytesPerS }: RunOptions) {
    this.cloud = cloud
    this.readers = readers
    this.gateway = name
    this.rows = rows
    this.#recoveryBytesPerS = recoveryBytesPerS ?? SLOW_RECOVERY
    this.chance = chanceOf(`${seed}/${name}`)
    this.load = new Load({ ...LOAD, gateways: [name] }, this.chance.split('load'), () => this.#service?.url)
  }

  get service(): Service {
    if (this.#service === undefined) throw new Error('the gateway was not started')
    return this.#service
  }

  /** The gateway runs, clients send, and some of that stands in both stores. */
  async begin(): Promise<void> {
    // New topics have no leader for a moment.
    await this.until('every topic has its leader', async () => {
      this.#from = await this.readers.ends()
      return true
    })
    const before = await this.#figures()
    await this.startGateway()
    this.load.start()
    await this.linkBecomes(1)
    await this.send(specialReadings())
    await this.until('readings land in both stores, and receipts go out', async () => {
      return (await this.#figures()).every((count, i) => count > (before[i] ?? 0))
    })
  }

  async startGateway(): Promise<void> {
    this.#service = await this.cloud.gateway(this.gateway, this.#recoveryBytesPerS)
  }

  /** Cuts the link until it is noticed, lets a real file in meanwhile, and restores it. */
  async outage(file = this.file('hourly'), during: () => Promise<void> = async () => undefined): Promise<void> {
    this.cloud.proxies.link.cut()
    try {
      await this.linkBecomes(0)
      await this.import(file)
      this.#missed += file.rows.length
      await during()
    } finally {
      this.cloud.proxies.link.restore()
    }
  }

  /** An outage of which recovery has begun to ask for what was missed. */
  async gap(): Promise<void> {
    const requested = () => this.cloud.service('recovery').figure('tidemark_recovery_requested_positions_total')
    const before = await requested()
    await this.outage()
    await this.until('a request for what was missed', async () => (await requested()) > before)
    await pause(this.chance.between(0, 300))
  }

  linkBecomes(up: 0 | 1): Promise<void> {
    return this.until(`the link is ${up === 1 ? 'up' : 'cut'}`, async () => {
      return (await this.service.figure('tidemark_link_up')) === up
    })
  }

  /** Readings that a store's sink has landed since it started. */
  landed(store: (typeof STORES)[number]): Promise<number> {
    return this.cloud.service(`sink ${store}`).figure('tidemark_sink_readings_total')
  }

  file(name: 'hourly' | 'daily', sensor: string = name, rows = this.rows): RealFile {
    return realFile(name, sensor, rows, this.cloud.folder)
  }

  /** As a user would: again, until it went through. */
  async import({ path, type, sensor, rows }: RealFile): Promise<void> {
    await this.until(`import of ${path}`, async () => {
      const url = this.service.url
      if (url === undefined) return false
      const { code } = await this.cloud.command('import', path, '--type', type, '--sensor', sensor, '--url', url)
      return code === 0
    })
    for (const row of rows) this.#note(row)
  }

  async send(readings: readonly SpecialReading[]): Promise<void> {
    const isLong = ({ type, values }: SpecialReading): boolean => {
      return type !== 'soil_moisture' && Object.values(values).some((value) => typeof value === 'bigint')
    }
    const longs = readings.filter(isLong)
    const others = readings.filter((each) => !isLong(each))
    const said = await this.#post('/readings', jsonBody(others))
    if (!said.includes('"rejected":[]')) throw new Error(`expected every reading to be taken, came ${said}`)
    if (longs.length > 0) await this.#post('/api/v2/write?precision=ns', linesBody(longs))
    for (const each of readings) this.#note({ ...each, values: exactText(each.values) })
  }

  /** By what the imported and sent readings are known. */
  get imported(): readonly string[] {
    return this.#offered.map(({ unique }) => unique)
  }

  async until(what: string, holds: () => Promise<boolean>, ms = SOON_MS): Promise<void> {
    let last: unknown
    // While something is down, nobody answers there.
    const looked = (): Promise<boolean> => {
      return holds().catch((error: unknown) => {
        last = error
        return false
      })
    }
    if (!(await becomes(ms, looked))) throw new Error(`not within ${ms / 1000} s: ${what}`, { cause: last })
  }

  /** Nobody helps: what runs by now has to bring everything to its place. */
  async end(): Promise<Judgement> {
    await this.load.stop()
    const left = await this.load.flush(30_000)
    if (left > 0) this.failures.push(`${left} requests got no answer within 30 s`)
    const offered = [...this.#offered, ...this.load.offered]
    const { gateway, asksAgain, readers } = this
    const from = this.#from
    const missed = this.#missed
    const judgement = await judge(this.cloud, readers, { gateway, offered, from, missed, asksAgain })
    for (const name of SERVICES) {
      if (!this.cloud.service(name).lives) this.failures.push(`${name} ended: ${this.cloud.service(name).lastWords()}`)
    }
    const { code } = await this.service.end('SIGTERM')
    if (code !== 0) this.failures.push(`the gateway ended with ${code}: ${this.service.lastWords()}`)
    this.failures.push(...this.load.faults, ...judgement.failures)
    return judgement
  }

  /** Whatever happened: nothing of this scenario goes on in the next one. */
  async clear(): Promise<void> {
    await this.load.stop()
    await this.cloud.endOthers()
    this.cloud.proxies.link.restore()
    if (this.#service?.lives === true) await this.#service.end('SIGKILL')
    for (const engine of Object.values(this.cloud.engines)) {
      engine.resume()
      await engine.start()
    }
    for (const name of SERVICES) if (!this.cloud.service(name).lives) await this.cloud.startService(name)
  }

  #figures(): Promise<readonly number[]> {
    const receipts = this.cloud.service('recovery').figure('tidemark_recovery_receipts_total')
    return Promise.all([...STORES.map((store) => this.landed(store)), receipts])
  }

  #note({ type, sensor, time, values }: FileRow): void {
    const unique = uniqueOf({ type, sensor, time })
    const { gateway } = this
    this.#offered.push({ unique, gateway, type, sensor, time, values, outcome: 'ok', at: performance.now() })
  }

  async #post(path: string, body: string): Promise<string> {
    const answer = await fetch(`${this.service.url}${path}`, { method: 'POST', body })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
    return text
  }
}
