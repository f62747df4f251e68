/** Waiting for engines at the start, and what a process says of them at any time. */

import { expect, test } from 'vitest'
import { systemClock } from '../../../infra/system.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import { type EngineCheck, readiness, untilAnswered } from '../../../services/main/engine-checks.ts'

/** Fails as often as is said, then answers. */
function check(engine: string, failures: number, error: Error = new TidemarkError('log-unavailable', 'refused')) {
  const asked: string[] = []
  const ask: EngineCheck['ask'] = async () => {
    asked.push(engine)
    if (asked.length <= failures) throw error
  }
  return { engine, ask, asked }
}

function waiting() {
  const said: string[] = []
  const log = (facts: object, sentence: string): void => void said.push(`${sentence} ${JSON.stringify(facts)}`)
  return {
    said,
    clock: { ...systemClock, sleep: async (_ms: number, signal: AbortSignal) => signal.throwIfAborted() },
    random: { next: () => 0, hex: () => '', id: () => '' },
    logger: { warn: log, info: log },
  }
}

test('waits for one engine after the other, and says so once an episode', async () => {
  const [log, store] = [check('message log', 5), check('store mongodb', 0)]
  const tools = waiting()
  await untilAnswered([log, store], tools, new AbortController().signal)
  expect(log.asked).toHaveLength(6)
  expect(store.asked).toHaveLength(1)
  expect(tools.said.map((line) => line.replace(/ \{.*/, ''))).toEqual([
    'this process waits for an engine',
    'the engine answers',
  ])
  expect(tools.said[0]).toContain('message log')
})

test('says it again when the reason is another one', async () => {
  const reasons = ['refused', 'refused', 'wrong password', 'wrong password']
  const tools = waiting()
  const ask = async (): Promise<void> => {
    const reason = reasons.shift()
    if (reason !== undefined) throw new TidemarkError('log-misconfigured', reason)
  }
  await untilAnswered([{ engine: 'message log', ask }], tools, new AbortController().signal)
  expect(tools.said).toHaveLength(3)
})

test('does not wait for what another try can not mend', async () => {
  const differing = check('message log', 99, new TidemarkError('topics-differ', 'landings'))
  await expect(untilAnswered([differing], waiting(), new AbortController().signal)).rejects.toMatchObject({
    code: 'topics-differ',
  })
  expect(differing.asked).toHaveLength(1)
})

test('stops waiting when it is asked to, also for an engine that never answers', async () => {
  const end = new AbortController()
  const silent: EngineCheck = { engine: 'ledger', ask: () => new Promise(() => undefined) }
  const waited = untilAnswered([silent], waiting(), end.signal)
  end.abort(new TidemarkError('interrupted'))
  await expect(waited).rejects.toMatchObject({ code: 'interrupted' })
})

test('is ready only when every engine answers, and says which does not and why', async () => {
  const silent: EngineCheck = { engine: 'registry', setting: 'REGISTRY', ask: () => new Promise(() => undefined) }
  const states = await readiness([check('ledger', 0), check('message log', 1), silent], {
    clock: systemClock,
    answerMs: 20,
  })()
  expect(states).toEqual([
    { engine: 'ledger', ready: true },
    { engine: 'message log', ready: false, reason: 'the message log does not answer: refused' },
    { engine: 'registry', ready: false, reason: 'no answer within 0.02 s; check REGISTRY, and that it runs' },
  ])
})

test('many who ask at once cost the engines one question', async () => {
  const ledger = check('ledger', 0)
  let nowMs = 0
  const ask = readiness([ledger], { clock: { ...systemClock, monotonicMs: () => nowMs } })
  await Promise.all(Array.from({ length: 100 }, ask))
  expect(ledger.asked).toHaveLength(1)
  nowMs = 1_001
  await ask()
  expect(ledger.asked).toHaveLength(2)
})
