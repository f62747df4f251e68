/** `npm run bench -- engines`: the live lane and the sinks on real engines, each beside the bare client of its engine in the same run. */

import { EngineBed } from './engine-bed.ts'
import { inTurn, tell } from './figures.ts'

export const LANES = ['live', 'consume', 'influxdb', 'mongodb'] as const
export type Lane = (typeof LANES)[number]

export interface EnginesBench {
  readonly readings: number
  /** For the stand-in of MongoDB, which is slow. */
  readonly mongodbReadings: number
  /** How often each contender runs; medians count. */
  readonly rounds: number
  readonly lanes: readonly Lane[]
  /** Where every process of tidemark leaves a CPU profile. */
  readonly profileDir?: string
}

interface Bench {
  readonly bed: EngineBed
  readonly readings: number
  readonly rounds: number
}

const BARE = 'the bare client'
/** Of the records of a gateway every fifth comes twice. */
const REPEAT_EVERY = 5

export async function benchEngines(options: EnginesBench, signal: AbortSignal): Promise<void> {
  const { lanes, readings, mongodbReadings, rounds, profileDir } = options
  await using bed = new EngineBed(signal, profileDir)
  for (const lane of lanes) {
    await BENCHES[lane]({ bed, rounds, readings: lane === 'mongodb' ? mongodbReadings : readings })
  }
}

const BENCHES: Readonly<Record<Lane, (bench: Bench) => Promise<void>>> = {
  live: async ({ bed, readings, rounds }) => {
    const { kafka } = await bed.topic({ readings: 0 })
    const { bare, tidemark } = await inTurn('live', rounds, {
      bare: () => bed.run('bare-kafka', readings, { kafka }, 'produce'),
      tidemark: () => bed.run('live-lane', readings, { kafka }),
    })
    tell('live lane: journal → Kafka', tidemark, bare, BARE, { ratioMin: 0.2 })
  },

  consume: async ({ bed, readings, rounds }) => {
    const { kafka } = await bed.topic({ readings })
    const { bare, tidemark } = await inTurn('consume', rounds, {
      bare: () => bed.run('bare-kafka', readings, { kafka }, 'consume'),
      tidemark: () => bed.run('sink-run', readings, { kafka }),
    })
    tell('sink: Kafka → decode → a store that does nothing', tidemark, bare, BARE, { perSMin: 1_000_000 })
  },

  influxdb: async ({ bed, readings, rounds }) => {
    const { kafka } = await bed.topic({ readings })
    const { bare, tidemark } = await inTurn('influxdb', rounds, {
      bare: () => bed.withBucket((influxdb) => bed.run('bare-influxdb', readings, { kafka, influxdb })),
      tidemark: () => bed.withBucket((influxdb) => bed.run('sink-run', readings, { kafka, influxdb })),
    })
    tell('sink: Kafka → InfluxDB', tidemark, bare, BARE, { ratioMin: 0.6, cpuUsMax: 5 })
  },

  mongodb: async ({ bed, readings, rounds }) => {
    const { kafka } = await bed.topic({ readings })
    const repeating = await bed.topic({ readings, repeatEvery: REPEAT_EVERY })
    const { bare, tidemark, twice } = await inTurn('mongodb', rounds, {
      bare: () => bed.withDatabase((mongodbUrl) => bed.run('bare-mongodb', readings, { kafka, mongodbUrl })),
      tidemark: () => bed.withDatabase((mongodbUrl) => bed.run('sink-run', readings, { kafka, mongodbUrl })),
      twice: () =>
        bed.withDatabase((mongodbUrl) =>
          bed.run('sink-run', repeating.delivered, { kafka: repeating.kafka, mongodbUrl }),
        ),
    })
    const title = "sink: Kafka → MongoDB's stand-in"
    tell(title, tidemark, bare, BARE, { ratioMin: 0.9, cpuUsMax: 12, peakMbMax: 200 })
    tell(`${title}, a fifth delivered twice`, twice, tidemark, 'fresh', { ratioMin: 0.8 })
  },
}
