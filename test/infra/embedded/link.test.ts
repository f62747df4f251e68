/** The link that can be cut: the contract of a log while it is up, and nothing through it while it is cut. */

import { describe, expect, test } from 'vitest'
import { cuttableLink } from '../../../infra/embedded/link.ts'
import { embeddedMessageLog } from '../../../infra/embedded/message-log.ts'
import {
  codeOfRejection,
  type MessageLogUnderTest,
  messageLogContract,
  never,
  valued,
} from '../../contract/message-log.ts'
import { memoryDisk, memoryKv } from '../../support/memory-kv.ts'
import { steppedClock } from '../../support/stepped-clock.ts'

messageLogContract('cuttableLink', async (): Promise<MessageLogUnderTest> => {
  const disk = memoryDisk()
  const clock = steppedClock()
  let inner = embeddedMessageLog({ kv: memoryKv(disk), clock })
  const log = linkWith(() => inner)
  return {
    log,
    clock,
    retain: async () => {
      await inner.retain()
    },
    reopen: async () => {
      await inner[Symbol.asyncDispose]()
      inner = embeddedMessageLog({ kv: memoryKv(disk), clock })
      return linkWith(() => inner)
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  }
})

/** Closing the link closes the log here, as the contract wants of what it opened. */
function linkWith(inner: () => ReturnType<typeof embeddedMessageLog>) {
  return { ...cuttableLink(inner()), [Symbol.asyncDispose]: () => inner()[Symbol.asyncDispose]() }
}

describe('a cut link', () => {
  test('refuses every call with link-cut until it is restored', async () => {
    const link = cuttableLink(embeddedMessageLog({ kv: memoryKv(), clock: steppedClock() }))
    link.cut()
    expect(link.isCut).toBe(true)
    expect(await codeOfRejection(link.produce('readings', valued('a')))).toBe('link-cut')
    expect(await codeOfRejection(link.probe(never()))).toBe('link-cut')
    expect(await codeOfRejection(link.offsets('readings'))).toBe('link-cut')
    link.restore()
    expect(await link.produce('readings', valued('a'))).toEqual([0])
  })

  test('breaks a tail that waits', async () => {
    const link = cuttableLink(embeddedMessageLog({ kv: memoryKv(), clock: steppedClock() }))
    const tail = link.tail({ topic: 'receipts', partition: 0, from: 'earliest' }, never())[Symbol.asyncIterator]()
    const waiting = codeOfRejection(tail.next())
    link.cut()
    expect(await waiting).toBe('link-cut')
  })
})
