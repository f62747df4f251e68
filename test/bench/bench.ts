/** `npm run bench -- NAME`: the benches by name. */

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { benchEmbedded } from './embedded.ts'
import { benchEngines, LANES, type Lane } from './engines.ts'
import { benchMirror } from './mirror.ts'
import { benchRecordings } from './recordings.ts'

/** Engine benches send whole records of every gateway. */
const FLEET_STEP = 10_000

/** Only ratios and CPU times of a run say something: the machine was busy with other work. */
const ENGINES_MEASURED = `
Each lane runs in a process of its own, in turn with the bare client; ratios are of medians. CPU is that process alone, from its start of reading on.
Lanes: live (journal → Kafka), consume (Kafka → decode → a store that does nothing), influxdb, mongodb (fresh, and with every fifth record twice).

Measured: 2 cores, all of it on them, nothing else running; Node 20, Kafka 4.1, InfluxDB 2.7, FerretDB 1.24, three rounds.
  live       0.58 of the bare client (at least 0.2), 2.0 µs of CPU a reading
  consume    649,000 readings/s, 0.66 of the bare client, 1.6 µs, 167 MB. 1,000,000 are not reached: the bare client, which
             only decodes, with the same codec, reaches 984,000
  influxdb   0.50 to 0.52 of the bare client (at least 0.6: below), 4.0 µs (at most 5). Cores are what is short: the server
             takes 6 µs a reading for itself
  mongodb    0.95 of the bare client (at least 0.9), 10.8 µs (at most 12), 162 MB (at most 200)
  twice      0.83 of fresh (at least 0.8)`

const RECORDINGS_MEASURED = `
Each runs in a process of its own, in turn with find and sha256sum on the same files; medians.

Measured: 2 cores, ext4, Node 20, 100,000 recordings in 100 folders, three rounds
  find -printf    327,000 files/s, peak 3 MB
  first listing   11,700 files/s (0.04 of find): reads every sidecar and writes an entry; peak 135 MB
  listing again   72,500 files/s (0.22 of find): a look at every file and at every entry; peak 160 MB, of which 59 MB before it lists
  hashing         748 MB/s (3.0 of sha256sum)`

const MIRROR_MEASURED = `
The mirror runs in a process of its own, from its start to its end, and compares everything once more after copying.

Measured: 2 cores, all of it on them; Node 20, InfluxDB 2.7, 1,000,000 points in 500 series, two fields a line, three rounds
  one query piped into writes   105,000 points/s
  mirror --once                 86,700 points/s, 0.82 of it (at least 0.7), peak 228 MB
  an equal pair of 2,000,000    2.8 s, 52 kB both ways at both ends, peak 107 MB`

interface EnginesOptions {
  readonly readings: number
  readonly mongodbReadings: number
  readonly rounds: number
  readonly only: readonly Lane[]
  readonly profile?: string
}

function count(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0) return number
  throw new InvalidArgumentError('expected a whole number.')
}

function atLeastOne(text: string): number {
  const number = count(text)
  if (number > 0) return number
  throw new InvalidArgumentError('expected 1 or more.')
}

function fleetCount(text: string): number {
  const number = count(text)
  if (number > 0 && number % FLEET_STEP === 0) return number
  throw new InvalidArgumentError(`expected a multiple of ${FLEET_STEP.toLocaleString('en')}.`)
}

function program(signal: AbortSignal): Command {
  const root = new Command('npm run bench --').exitOverride().showHelpAfterError()
  root
    .command('embedded')
    .description('from the door to proof complete on the embedded engine, against the bare engine and the bare server')
    .option('--readings <n>', 'in each round', count, 1_000_000)
    .option('--before <n>', 'held before the second round; 0 leaves out the rounds that need them', count, 10_000_000)
    .option('--epochs <n>', 'journal lives before the third round', count, 1_000)
    .action(benchEmbedded)
  root
    .command('engines')
    .description('the live lane and the sinks on Kafka, InfluxDB and FerretDB, each against the bare client')
    .option('--readings <n>', 'to Kafka and InfluxDB', fleetCount, 1_000_000)
    .option('--mongodb-readings <n>', 'to FerretDB, which is slow', fleetCount, 200_000)
    .option('--rounds <n>', 'how often each runs; medians count', atLeastOne, 3)
    .addOption(new Option('--only <lane...>', 'leave out the others').choices(LANES).default([...LANES]))
    .option('--profile <dir>', 'each process of tidemark leaves a CPU profile there')
    .addHelpText('after', ENGINES_MEASURED)
    .action(async ({ only: lanes, profile, ...options }: EnginesOptions) => {
      const profiled = profile === undefined ? {} : { profileDir: profile }
      await benchEngines({ ...options, ...profiled, lanes }, signal)
    })
  root
    .command('recordings')
    .description(
      'listing recordings into the embedded index and listing them again, against find; hashing, against sha256sum',
    )
    .option('--files <n>', 'data files and sidecars together', atLeastOne, 100_000)
    .option('--folders <n>', 'that they are spread over', atLeastOne, 100)
    .option('--hash-bytes <n>', 'of the file that is hashed', atLeastOne, 1_000_000_000)
    .option('--rounds <n>', 'how often each runs; medians count', atLeastOne, 3)
    .addHelpText('after', RECORDINGS_MEASURED)
    .action((options) => benchRecordings(options, signal))
  root
    .command('mirror')
    .description(
      'copying a bucket between two InfluxDB servers, against one query piped into writes; a pass without work',
    )
    .option('--points <n>', 'that are copied', atLeastOne, 1_000_000)
    .option('--series <n>', 'that they are spread over', atLeastOne, 500)
    .option('--quiet-points <n>', 'of the equal pair', atLeastOne, 2_000_000)
    .option('--rounds <n>', 'how often each runs; medians count', atLeastOne, 3)
    .addHelpText('after', MIRROR_MEASURED)
    .action((options) => benchMirror(options, signal))
  return root
}

async function run(): Promise<number> {
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort(new Error('interrupted'))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    await program(interrupted.signal).parseAsync()
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!interrupted.signal.aborted) throw error
    process.stderr.write('interrupted\n')
    return 130
  }
}

process.exitCode = await run()
