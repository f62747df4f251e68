/** A body written line by line: order, waiting for the reader, and the reader's going away. */

import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { lineStream } from '../../../infra/http/line-stream.ts'

const BIG = 'x'.repeat(100_000)

function settled(promise: Promise<unknown>): { done: boolean } {
  const state = { done: false }
  const mark = () => {
    state.done = true
  }
  promise.then(mark, mark)
  return state
}

test('lines come in order, each ended, until the end', async () => {
  const lines = lineStream()
  await lines.write('one')
  await lines.write('zwölf')
  lines.end()
  lines.end()
  await lines.write('after the end')
  expect(await new Response(lines.readable).text()).toBe('one\nzwölf\n')
  expect(lines.gone.aborted).toBe(false)
})

test('a writer that outruns its reader waits until it has read', async () => {
  const lines = lineStream()
  const reader = lines.readable.getReader()
  const first = settled(lines.write(BIG))
  const second = settled(lines.write(BIG))
  await turn()
  expect([first.done, second.done]).toEqual([false, false])
  await reader.read()
  await reader.read()
  await turn()
  expect([first.done, second.done]).toEqual([true, true])
})

test('a waiting writer learns that the reader is gone, and so does the next', async () => {
  const lines = lineStream()
  const waiting = expect(lines.write(BIG)).rejects.toMatchObject({ name: 'AbortError' })
  await lines.readable.cancel()
  await waiting
  expect(lines.gone.aborted).toBe(true)
  await expect(lines.write('more')).rejects.toMatchObject({ name: 'AbortError' })
  lines.end()
})

test('the end sets a waiting writer free', async () => {
  const lines = lineStream()
  const waiting = lines.write(BIG)
  lines.end()
  await waiting
})
