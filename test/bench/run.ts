/** One run of a bench in a process of its own: what it is told in its environment, and what it says about itself at its end. */

export interface Kafka {
  readonly brokers: readonly string[]
  /** Before the names of topics. */
  readonly prefix: string
}

export interface Influxdb {
  readonly url: string
  readonly token: string
  readonly org: string
  readonly bucket: string
}

export interface Run {
  /** How many it is over with. */
  readonly readings: number
  readonly kafka: Kafka
  readonly influxdb?: Influxdb
  readonly mongodbUrl?: string
  /** What the store is called to the sink: a new name reads the topic from its beginning. */
  readonly storeName: string
  /** Where it may keep files. */
  readonly dir: string
}

export interface Measured {
  readonly perS: number
  /** User and system CPU of the whole process in the time measured, in µs a reading. */
  readonly cpuUs: number
  /** Peak of the resident set of the process, bytes. */
  readonly peakBytes: number
}

const RUN = 'TIDEMARK_BENCH_RUN'

export function environmentOf(run: Run): Record<string, string> {
  return { [RUN]: JSON.stringify(run) }
}

export function thisRun(): Run {
  return JSON.parse(process.env[RUN] ?? '') as Run
}

/** Sums up stretches of time, and the CPU that went with them. */
export class Stopwatch {
  #ms = 0
  #cpuUs = 0
  #began: { readonly ms: number; readonly cpu: NodeJS.CpuUsage } | undefined

  /** Does nothing while it runs. */
  start(): void {
    this.#began ??= { ms: performance.now(), cpu: process.cpuUsage() }
  }

  stop(): void {
    if (this.#began === undefined) return
    const { user, system } = process.cpuUsage(this.#began.cpu)
    this.#ms += performance.now() - this.#began.ms
    this.#cpuUs += user + system
    this.#began = undefined
  }

  tell(readings: number): void {
    const measured: Measured = {
      perS: (readings / this.#ms) * 1000,
      cpuUs: this.#cpuUs / readings,
      peakBytes: process.resourceUsage().maxRSS * 1024,
    }
    process.stdout.write(`${JSON.stringify(measured)}\n`)
  }
}

/** Looks every five milliseconds. */
export async function until(isOver: () => boolean): Promise<void> {
  while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 5))
}
