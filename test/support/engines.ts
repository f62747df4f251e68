/** What an `*.engine.test.ts` says at its top: which real engines it needs. They are started once a file, when first asked for, and ended after it. */

import { afterAll, describe, test } from 'vitest'
import { isInstalled } from '../../infra/engines/install.ts'
import type { EngineName, EngineRecipe } from '../../infra/engines/recipe.ts'
import { INFLUXDB, type InfluxdbEngine, startInfluxdb } from '../../infra/influxdb/launcher.ts'
import { KAFKA, type KafkaEngine, startKafka } from '../../infra/kafka/launcher.ts'
import { MONGODB, type MongodbEngine, startMongodb } from '../../infra/mongodb/launcher.ts'
import { REGISTRY, type RegistryEngine, startRegistry } from '../../infra/registry/launcher.ts'

interface Engines {
  kafka(): Promise<KafkaEngine>
  mongodb(): Promise<MongodbEngine>
  influxdb(): Promise<InfluxdbEngine>
  registry(): Promise<RegistryEngine>
}

type EngineTests<N extends EngineName> = Pick<Engines, N> & {
  /** The tests inside run only where every named engine is installed. */
  describe(name: string, tests: () => void): void
}

const RECIPES = { kafka: KAFKA, mongodb: MONGODB, influxdb: INFLUXDB, registry: REGISTRY }

/**
 * To be called at the top of a test file. Where an engine is not installed, its tests are skipped with its name in theirs; with `CI` or
 * `TIDEMARK_REQUIRE_ENGINES` set they fail instead. A test that wants an engine of its own takes `await using kafka = await startKafka({…})`.
 */
export function engineTests<const N extends EngineName>(...names: readonly N[]): EngineTests<N>
export function engineTests(...names: readonly EngineName[]): EngineTests<EngineName> {
  const started: Promise<AsyncDisposable>[] = []
  const once = <T extends AsyncDisposable>(start: () => Promise<T>): (() => Promise<T>) => {
    let engine: Promise<T> | undefined
    return () => {
      if (engine !== undefined) return engine
      engine = start()
      started.push(engine)
      return engine
    }
  }
  const all: Engines = {
    kafka: once(() => startKafka()),
    mongodb: once(() => startMongodb()),
    influxdb: once(() => startInfluxdb()),
    registry: once(() => startRegistry()),
  }
  afterAll(async () => {
    for (const engine of await Promise.allSettled(started)) {
      if (engine.status === 'fulfilled') await engine.value[Symbol.asyncDispose]()
    }
  })
  return {
    ...all,
    describe: (name, tests) =>
      describeWhereInstalled(
        names.map((each) => RECIPES[each]),
        name,
        tests,
      ),
  }
}

/** As `engineTests` says, for what is only run. */
export function describeWhereInstalled(recipes: readonly EngineRecipe[], name: string, tests: () => void): void {
  const missing = recipes.filter((each) => !isInstalled(each)).map((each) => each.name)
  if (missing.length === 0) {
    describe(name, tests)
    return
  }
  const why = `not installed: ${missing.join(', ')}; run 'npm run engines -- install ${missing.join(' ')}'`
  if (areRequired()) {
    describe(name, () => {
      test('finds the engines it needs', () => {
        throw new Error(why)
      })
    })
    return
  }
  console.warn(`SKIPPED ${name} (${why})`)
  describe.skip(`${name} (${why})`, tests)
}

function areRequired(): boolean {
  return [process.env.CI, process.env.TIDEMARK_REQUIRE_ENGINES].some(
    (value) => !['', '0', 'false', undefined].includes(value),
  )
}
