/** The operator's commands on a log in memory: link, stores, replay, topics, schemas, doctor. */

import { describe, expect, test } from 'vitest'
import { batchSchema } from '../../../schemas/compose.ts'
import { parseMessageType } from '../../../schemas/message-type.ts'
import type { RunningServices } from '../../../services/commands/context.ts'
import { runDoctor } from '../../../services/commands/doctor.ts'
import { runLink } from '../../../services/commands/link.ts'
import { runReplay } from '../../../services/commands/replay.ts'
import { runSchemasCheck, runSchemasList, runSchemasRegister } from '../../../services/commands/schemas.ts'
import { runStoresList, runStoresRenew } from '../../../services/commands/stores.ts'
import { runTopicsApply, runTopicsList } from '../../../services/commands/topics.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import { commandContext, mapRegistry, namedStore } from '../../support/command-context.ts'

function services() {
  const calls: string[] = []
  const running: RunningServices = {
    setLink: (gateway, cut, forMs) => calls.push(`${gateway} ${cut} ${forMs}`),
    links: () => [{ gateway: 'shed' as never, cut: false }],
    whilePaused: async (store, work) => {
      calls.push(`pause ${store}`)
      const result = await work()
      calls.push(`resume ${store}`)
      return result
    },
  }
  return { running, calls }
}

const TEXT =
  '{"type":"record","name":"tide","fields":[{"name":"level","type":"double"},{"name":"note","type":["null","string"],"default":null}]}'
const tide = parseMessageType(JSON.parse(TEXT), 'tide.avsc')
const types = new Map([['tide', tide]])

describe('link', () => {
  test('cuts for a time and restores', async () => {
    const { running, calls } = services()
    const context = await commandContext({ running })
    expect(await runLink(context, { action: 'cut', gateway: 'shed', forMs: 30_000 })).toBe(0)
    expect(await runLink(context, { action: 'restore', gateway: 'shed' })).toBe(0)
    expect(calls).toEqual(['shed true 30000', 'shed false undefined'])
    expect(context.said.out).toMatch(/^shed: link cut for 30s; .*within 6s\nshed: link restored\n$/)
  })

  test('an unknown gateway is refused with those that run', async () => {
    const { running, calls } = services()
    const context = await commandContext({ running })
    await expect(runLink(context, { action: 'cut', gateway: 'barn' })).rejects.toThrow(
      "no gateway 'barn' runs here; expected one of shed",
    )
    expect(calls).toEqual([])
  })

  test('where nothing runs it says what to start', async () => {
    const context = await commandContext()
    await expect(runLink(context, { action: 'cut', gateway: 'shed' })).rejects.toMatchObject({ code: 'not-running' })
  })
})

describe('stores', () => {
  test('one that does not answer is shown with why, and the exit code', async () => {
    const stores = new Map([
      ['a', namedStore('a')],
      ['b', namedStore('b', true)],
    ])
    const context = await commandContext({ stores })
    expect(await runStoresList(context, {})).toBe(1)
    expect(context.said.out).toBe(
      'store  generation  state\na      a-1         answers\nb                  the store does not answer: connection refused\n',
    )
  })

  test('as JSON it is one document', async () => {
    const context = await commandContext({ stores: new Map([['a', namedStore('a')]]) })
    expect(await runStoresList(context, { json: true })).toBe(0)
    expect(JSON.parse(context.said.out)).toEqual([{ store: 'a', generation: 'a-1', state: 'answers' }])
  })

  test('a new generation is made while the sink is paused', async () => {
    const { running, calls } = services()
    const context = await commandContext({ stores: new Map([['a', namedStore('a')]]), running })
    expect(await runStoresRenew(context, { name: 'a' })).toBe(0)
    expect(context.said.out).toContain('a: generation a-1+')
    expect(calls).toEqual(['pause a', 'resume a'])
    await expect(runStoresRenew(context, { name: 'b' })).rejects.toThrow("no store 'b'; expected one of a")
  })
})

describe('replay', () => {
  test.each([
    ['earliest', 0],
    ['2200-01-01T00:00:00Z', 1],
  ])('to %s moves the committed offsets of the sink, on both topics', async (to, offset) => {
    const context = await commandContext({ stores: new Map([['a', namedStore('a')]]) })
    const partition = context.messageLog.partitionOf('k')
    const topics = ['readings', 'recovery_data'] as const
    for (const topic of topics) await context.messageLog.produce(topic, [{ key: 'k', value: new Uint8Array([1]) }])
    expect(await runReplay(context, { store: 'a', to })).toBe(0)
    const committed = await context.messageLog.committed('sink-a', topics)
    for (const topic of topics) expect(committed[topic]?.[partition]).toBe(offset)
  })

  test('happens while the sink is paused', async () => {
    const { running, calls } = services()
    const context = await commandContext({ stores: new Map([['a', namedStore('a')]]), running })
    expect(await runReplay(context, { store: 'a', to: 'earliest' })).toBe(0)
    expect(calls).toEqual(['pause a', 'resume a'])
  })

  test('an unknown store and a wrong time are refused', async () => {
    const context = await commandContext({ stores: new Map([['a', namedStore('a')]]) })
    await expect(runReplay(context, { store: 'b', to: 'earliest' })).rejects.toMatchObject({ code: 'usage-wrong' })
    await expect(runReplay(context, { store: 'a', to: 'noon' })).rejects.toThrow('--to: expected earliest or a time')
  })
})

describe('topics', () => {
  test('applied, every topic stands as declared', async () => {
    const context = await commandContext()
    expect(await runTopicsApply(context)).toBe(0)
    expect(await runTopicsList(context, { json: true })).toBe(0)
    const rows: { topic: string; state: string }[] = JSON.parse(context.said.out.slice(context.said.out.indexOf('[')))
    expect(rows.map(({ topic }) => topic)).toContain('recovery_data_request')
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['as declared']))
  })

  test('one that is missing or differs is shown, and the exit code', async () => {
    const context = await commandContext()
    const differing = {
      name: 'readings',
      partitions: 3,
      records: 0,
      bytes: 0,
      differences: ['3 partitions, declared 12'],
    }
    const messageLog = Object.assign(Object.create(context.messageLog), { listTopics: async () => [differing] })
    expect(await runTopicsList({ ...context, messageLog }, {})).toBe(1)
    expect(context.said.out).toContain('3 partitions, declared 12')
    expect(context.said.out).toContain("missing: run 'tidemark topics apply'")
  })
})

describe('schemas', () => {
  test('registered types are known under both topics, by one id', async () => {
    const context = await commandContext({ types })
    expect(await runSchemasRegister(context)).toBe(0)
    expect(context.said.out).toBe('tide: registered under id 1\n')
    expect(await context.registry.subjects()).toEqual([
      'readings-tidemark.batch.tide',
      'recovery_data-tidemark.batch.tide',
    ])
  })

  test('the list says which are registered and which have changed', async () => {
    const registry = mapRegistry()
    const context = await commandContext({ types, registry })
    await runSchemasList(context, {})
    expect(context.said.out).toContain('not registered')
    expect(context.said.out).toContain('level: double, note?: string')
    await registry.register('readings-tidemark.batch.tide', '{"other": true}')
    await runSchemasList(context, {})
    expect(context.said.out).toContain("changed: run 'tidemark schemas register'")
    await runSchemasRegister(context)
    context.said.out = ''
    await runSchemasList(context, { json: true })
    expect(JSON.parse(context.said.out)).toMatchObject([{ type: 'tide', id: 2, registry: 'registered' }])
  })

  test('what the registry would refuse is not registered, nor anything beside it', async () => {
    const registry = mapRegistry((subject) => (subject.endsWith('.tide') ? ['level is gone'] : []))
    const other = parseMessageType(JSON.parse(TEXT.replace('"tide"', '"ebb"')), 'ebb.avsc')
    const context = await commandContext({
      types: new Map([
        ['ebb', other],
        ['tide', tide],
      ]),
      registry,
    })
    await expect(runSchemasRegister(context)).rejects.toThrow('tide: level is gone')
    expect(await registry.subjects()).toEqual([])
    expect(await runSchemasCheck(context, { files: [] })).toBe(1)
    expect(context.said.out).toBe('ebb: may be registered\ntide: refused: level is gone\n')
  })

  test('a file is checked in place of the declared types, and named when it is none', async () => {
    const context = await commandContext()
    expect(await runSchemasCheck(context, { files: [{ path: 'new/tide.avsc', text: TEXT }] })).toBe(0)
    expect(context.said.out).toBe('tide: may be registered\n')
    await expect(runSchemasCheck(context, { files: [{ path: 'x.avsc', text: '{' }] })).rejects.toThrow(
      'x.avsc is not JSON',
    )
    await expect(runSchemasCheck(context, { files: [{ path: 'x.avsc', text: '[]' }] })).rejects.toMatchObject({
      code: 'schema-invalid',
    })
  })

  test('what is registered is what the codec writes', async () => {
    const context = await commandContext({ types })
    await runSchemasRegister(context)
    const before = await context.registry.subjects()
    await context.codec.encode('readings', {
      kind: 'batch',
      gateway: 'g' as never,
      epoch: '00c0ffee00c0ffee' as never,
      type: 'tide',
      mark: { highWater: 0, head: 0, finals: [] },
      readings: [],
    })
    expect(await context.registry.latest('readings-tidemark.batch.tide')).toEqual({
      id: 1,
      schema: JSON.stringify(batchSchema(tide)),
    })
    expect(await context.registry.subjects()).toEqual(before)
  })
})

describe('doctor', () => {
  test('is content when everything answers', async () => {
    const context = await commandContext({ stores: new Map([['a', namedStore('a')]]) })
    await context.messageLog.applyTopics()
    expect(await runDoctor(context, {})).toBe(0)
    expect(context.said.out).toContain('store a          good   generation a-1')
  })

  test('names every engine that does not, and what is wrong', async () => {
    const registry = { ...mapRegistry(), subjects: () => Promise.reject(new TidemarkError('registry-unavailable')) }
    const context = await commandContext({ stores: new Map([['a', namedStore('a', true)]]), registry })
    expect(await runDoctor(context, { json: true })).toBe(1)
    const rows: { what: string; state: string }[] = JSON.parse(context.said.out)
    expect(rows.filter(({ state }) => state === 'wrong').map(({ what }) => what)).toContain('schema registry')
    expect(rows.find(({ what }) => what === 'store a')).toMatchObject({
      finding: 'the store does not answer: connection refused',
    })
    expect(rows.find(({ what }) => what === 'message log')).toMatchObject({ state: 'good' })
  })

  test.each([
    ['http://127.0.0.1:1', 'nothing within 15 s; check REGISTRY, and that it runs'],
    ['embedded', 'nothing within 15 s'],
  ])('of an engine that never answers (%s) says which setting to check, where there is one', async (address, words) => {
    const registry = { ...mapRegistry(), subjects: () => new Promise<never>(() => undefined) }
    const context = await commandContext({ stores: new Map(), registry })
    const clock = { ...context.clock, sleep: async () => undefined }
    const settings = { ...context.settings, registry: address }
    expect(await runDoctor({ ...context, settings, clock }, { json: true })).toBe(1)
    const rows: { what: string; finding: string }[] = JSON.parse(context.said.out)
    expect(rows.find(({ what }) => what === 'schema registry')?.finding).toBe(words)
  })

  test('is content with topics that the first service will make, and says so', async () => {
    const context = await commandContext({ stores: new Map() })
    const states = (await context.messageLog.listTopics()).map((each) => ({
      ...each,
      partitions: 0,
      differences: ['does not exist yet'],
    }))
    const messageLog = { ...context.messageLog, probe: async () => undefined, listTopics: async () => states }
    expect(await runDoctor({ ...context, messageLog }, {})).toBe(0)
    expect(context.said.out).toContain("0 as declared, 8 are made at the start or by 'tidemark topics apply'")
  })
})
