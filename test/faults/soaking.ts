/** The soak: faults drawn by chance while clients send, in stretches with and without ends of the process, and the bounds it must keep. */

import { join } from 'node:path'
import { killOnce, toggleLinks } from './kills.ts'
import { Rig } from './rig.ts'
import { outcomeText } from './scenario.ts'
import { boundsBroken, bytesText, type Sample, sampleOf, sampleText } from './sizes.ts'
import { type FakeClock, fakeClock, fakeClockLibrary, strace } from './tools.ts'
import { becomes, pause, Up, type Wrap } from './up.ts'

type Deed = (soak: Soak) => Promise<void>

const MINUTE_MS = 60_000
const SAMPLE_MS = 2000
const JUDGED_EVERY_MS = 10 * MINUTE_MS
/** More would not fit the checker's memory: longer runs send more slowly. */
const READINGS_MAX = 600_000
const READINGS_A_REQUEST = 15
const SENDERS = 3
const ENV = {
  TIDEMARK_JOURNAL_KEEP: '20s',
  TIDEMARK_JOURNAL_MAX_BYTES: '128MB',
  TIDEMARK_LOG_KEEP_BYTES: '48MB',
}

/** Of five minutes, two with every fault, and three in which the process lives on, so that what it leaks adds up. */
const ENDING: readonly [Deed, ...Deed[]] = [
  (soak) => killOnce(soak.rig, soak.wrap),
  (soak) => killOnce(soak.rig, soak.wrap),
  (soak) => soak.terminate(),
  (soak) => soak.failWrite(),
  (soak) => soak.refuseSecond(),
]
const LASTING: readonly [Deed, ...Deed[]] = [
  (soak) => toggleLinks(soak.rig),
  (soak) => soak.rig.restoreLinks(),
  (soak) => soak.standStill(),
  (soak) => soak.replay(),
  (soak) => soak.jump(),
]

export class Soak {
  readonly rig: Rig
  readonly #forMs: number
  readonly #seed: string
  readonly #say: (line: string) => void
  readonly #clock: FakeClock | undefined
  readonly #samples: Sample[] = []
  #beganMs = 0

  constructor(seed: string, forMs: number, say: (line: string) => void) {
    const restMs = Math.max(100, (forMs * SENDERS * READINGS_A_REQUEST) / READINGS_MAX)
    const load = { senders: SENDERS, readingsMax: 2 * READINGS_A_REQUEST, restMs }
    this.rig = new Rig({ seed: `${seed}/soak`, env: ENV, load })
    this.#forMs = forMs
    this.#seed = seed
    this.#say = say
    const library = fakeClockLibrary()
    if (library.ok) this.#clock = fakeClock(library.tool, join(this.rig.folder, 'clock'))
    else say(`without jumps of the clock: ${library.why}`)
    if (!strace().ok) say('without failing writes: strace is not there')
  }

  get wrap(): Wrap | undefined {
    return this.#clock?.wrap
  }

  /** Resolves with the number of failures, when everything is said. */
  async run(): Promise<number> {
    this.#say(`soak of ${Math.round(this.#forMs / MINUTE_MS)} min, seed ${this.#seed}, in ${this.rig.folder}`)
    this.#beganMs = performance.now()
    const stop = new AbortController()
    const watching = this.#watch(stop.signal)
    try {
      await this.rig.start(this.wrap)
      await this.#storm()
      await this.rig.judge(this.wrap)
    } catch (error) {
      this.rig.fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    stop.abort()
    await watching
    return this.#finish()
  }

  async #storm(): Promise<void> {
    const { rig } = this
    rig.load.start()
    let judgedMs = performance.now()
    while (performance.now() - this.#beganMs < this.#forMs && rig.failures.length === 0) {
      const minute = Math.floor((performance.now() - this.#beganMs) / MINUTE_MS)
      const ends = minute % 5 < 2 && rig.chance.next() < 0.5
      await rig.chance.pick(ends ? ENDING : LASTING)(this)
      if (!rig.up.lives) await rig.start(this.wrap)
      await pause(rig.chance.between(200, 4000))
      if (performance.now() - judgedMs < JUDGED_EVERY_MS) continue
      await rig.judge(this.wrap)
      judgedMs = performance.now()
      rig.load.start()
    }
  }

  async #finish(): Promise<number> {
    for (const broken of boundsBroken(this.#samples, ENV, this.rig.load.counts.ok)) this.rig.fail(broken)
    await using rig = this.rig
    const outcome = await rig.finish()
    const peak = Math.max(...this.#samples.map(({ anon }) => anon))
    const last = this.#samples.at(-1)
    this.#say(`${outcome.failures.length === 0 ? 'HELD' : 'BROKEN'} soak, seed ${this.#seed}`)
    this.#say(outcomeText(outcome).trimEnd())
    if (last !== undefined) this.#say(`  peak RssAnon ${bytesText(peak)}; at the end ${sampleText(last)}`)
    return outcome.failures.length
  }

  async #watch(signal: AbortSignal): Promise<void> {
    let saidMs = performance.now()
    while (!signal.aborted) {
      await pause(SAMPLE_MS)
      if (!this.rig.lives) continue
      const sample = sampleOf(performance.now() - this.#beganMs, this.rig.dataDir, this.rig.up)
      this.#samples.push(sample)
      if (performance.now() - saidMs < MINUTE_MS) continue
      saidMs = performance.now()
      const { ok, unknown, duplicates } = this.rig.load.counts
      const done = Object.values(this.rig.faults).reduce((x, y) => x + y, 0)
      const minute = Math.round(sample.atMs / MINUTE_MS)
      this.#say(
        `${minute} min: ${ok} ok, ${unknown} unknown, ${duplicates} repeated, ${done} faults; ${sampleText(sample)}`,
      )
    }
  }

  async terminate(): Promise<void> {
    const { code } = await this.rig.end('SIGTERM')
    this.rig.fault('SIGTERM')
    if (code !== 0) this.rig.fail(`SIGTERM ended with code ${code}: ${this.rig.up.said.slice(-1000)}`)
  }

  async standStill(): Promise<void> {
    this.rig.up.signal('SIGSTOP')
    await pause(this.rig.chance.between(500, 4000))
    this.rig.up.signal('SIGCONT')
    this.rig.fault('SIGSTOP')
  }

  async replay(): Promise<void> {
    const { code, err } = await this.rig.command('replay', '--store', 'embedded', '--to', 'earliest')
    if (code === 0) this.rig.fault('replay')
    else if (this.rig.up.lives) this.rig.fail(`replay ended with ${code}: ${err}`)
  }

  /** Less than a day, for which the keys of requests are kept. */
  async jump(): Promise<void> {
    if (this.#clock === undefined) return
    const minutes = this.rig.chance.between(-600, 600)
    this.#clock.set(`${minutes < 0 ? '-' : '+'}${Math.abs(minutes)}m`)
    this.rig.fault('clock jump')
  }

  async refuseSecond(): Promise<void> {
    const second = new Up(this.rig.dataDir, {})
    const { code } = await second.ended
    this.rig.fault('second process')
    if (code === 0) this.rig.fail('a second process ran on the same data directory')
  }

  /** A life that ends by a failing write, or is ended when that does not come. */
  async failWrite(): Promise<void> {
    const tool = strace()
    if (!tool.ok) return
    const { rig } = this
    await rig.end('SIGTERM')
    const path = join(
      rig.dataDir,
      rig.chance.pick(['gateways/local/journal.mdb', 'log.mdb', 'ledger.mdb', 'stores/embedded.mdb']),
    )
    const calls = rig.chance.pick(['fdatasync', 'pwrite64', 'writev'])
    const log = join(rig.folder, 'strace.log')
    const injected = tool.tool.wrap({ calls, error: 'EIO', nth: rig.chance.between(2, 40), path }, log)
    const up = rig.launch({ before: injected.before, env: { ...this.wrap?.env, ...injected.env } })
    if (await becomes(10_000, () => !up.lives)) rig.fault(`EIO from ${calls}`)
    else await up.end('SIGKILL')
  }
}
