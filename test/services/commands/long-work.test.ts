/** Commands that take long show on a terminal how far they are, also when they run inside another process; elsewhere and with `--json` they are silent. */

import { describe, expect, test } from 'vitest'
import type { CommandContext } from '../../../services/commands/context.ts'
import { runInside } from '../../../services/commands/data-access.ts'
import { runExport } from '../../../services/commands/export.ts'
import { runProof } from '../../../services/commands/proof.ts'
import { runVerify } from '../../../services/commands/verify.ts'
import type { Clock } from '../../../services/ports/clock.ts'
import type { MessageLog } from '../../../services/ports/message-log.ts'
import { arriving, stored } from '../../contract/reading-store.ts'
import { commandContext, namedStore, type TestContext } from '../../support/command-context.ts'

/** A sleep passes at once and does `meanwhile`. */
function movingClock(meanwhile: () => void = () => undefined): Clock {
  let nowMs = 0
  return {
    wallMs: () => 1_772_000_000_000 + nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      nowMs += ms
      meanwhile()
    },
  }
}

/** A store that hands out four readings, one at a time, each of which takes a second. */
function slowStore(clock: Clock) {
  const readings = [1, 2, 3, 4].map((seq) => stored(arriving({ seq, ns: seq })))
  return {
    ...namedStore('embedded'),
    read: async function* () {
      for (const each of readings) {
        await clock.sleep(1_000, new AbortController().signal)
        yield [each]
      }
    },
  }
}

const NO_DATA: Parameters<typeof runInside>[1] = {
  proof: runProof,
  verify: runVerify,
  recover: async () => 0,
  writeoff: async () => 0,
  export: runExport,
}

function inside(context: CommandContext, ...argv: readonly string[]): Promise<number> {
  return runInside(context, NO_DATA, { argv, files: {} })
}

async function reading(more: Partial<CommandContext>): Promise<TestContext> {
  const clock = movingClock()
  return commandContext({ clock, stores: new Map([['embedded', slowStore(clock)]]), ...more })
}

describe('export', () => {
  test('shows how far it is: the columns first, then the readings of those it counted', async () => {
    const context = await reading({ terminal: true })
    expect(await inside(context, 'export', '--store', 'embedded')).toBe(0)
    expect(context.said.note).toContain('export 2 readings looked at for columns')
    expect(context.said.note).toMatch(/export \[#+-*\] {2}50 % {2}2 readings, \d+\/s, \d+ s left/)
    expect(context.said.note).toMatch(/\r\u001b\[K4 readings of store embedded\n$/)
    expect(context.said.out).not.toContain('%')
  })

  test('is silent where the readings themselves go to the terminal', async () => {
    const context = await reading({ terminal: true, columns: 80 })
    expect(await inside(context, 'export', '--store', 'embedded')).toBe(0)
    expect(context.said.note).toBe('4 readings of store embedded\n')
  })
})

describe('verify', () => {
  test.each([
    [{ terminal: true }, [], /verify embedded 3 readings, 1\/s/],
    [{ terminal: true }, ['--json'], /^$/],
    [{ terminal: false }, [], /^$/],
  ])('with %j and %j', async (more, options, noted) => {
    const context = await reading(more)
    expect(await inside(context, 'verify', ...options)).toBe(1)
    expect(context.said.note).toMatch(noted)
  })
})

describe('proof --wait', () => {
  test.each([
    [{ terminal: true }, [], /proof 0 of 0 gateways open, 0 readings pending\r\u001b\[Knot settled within 2s\n$/],
    [{ terminal: true }, ['--json'], /^not settled within 2s\n$/],
    [{ terminal: false }, [], /^not settled within 2s\n$/],
  ])('with %j and %j', async (more, options, noted) => {
    const context = await commandContext({ clock: movingClock(), ...more })
    await context.messageLog.applyTopics()
    expect(await inside(context, 'proof', '--wait', '2s', ...options)).toBe(1)
    expect(context.said.note).toMatch(noted)
  })
})

describe('replay --wait', () => {
  /** Ten records on the log, of which the sink of the store commits so many with every look at it. */
  async function replaying(perLook: number, more: Partial<CommandContext> = {}): Promise<TestContext> {
    const at = { next: 0 }
    const clock = movingClock(() => {
      at.next += perLook
    })
    const context = await commandContext({ clock, stores: new Map([['a', namedStore('a')]]), ...more })
    await context.messageLog.applyTopics()
    const records = Array.from({ length: 10 }, () => ({ key: 'k', value: new Uint8Array([1]) }))
    await context.messageLog.produce('readings', records)
    const partition = context.messageLog.partitionOf('k')
    const committed: MessageLog['committed'] = async () => ({
      readings: Array.from({ length: context.messageLog.partitions }, (_, i) => (i === partition ? at.next : null)),
    })
    Object.assign(context.messageLog, { committed })
    return context
  }

  test('ends when the sink has read again what was there, and shows how far it is', async () => {
    const context = await replaying(1, { terminal: true })
    expect(await inside(context, 'replay', '--store', 'a', '--to', 'earliest', '--wait', '1m')).toBe(0)
    expect(context.said.note).toMatch(/replay a \[#+-*\] {2}50 % {2}5 records, 5\/s, 1 s left/)
    expect(context.said.note).toMatch(/\r\u001b\[K$/)
  })

  test('counts only what the log still holds', async () => {
    const context = await replaying(0)
    const offsets = context.messageLog.offsets.bind(context.messageLog)
    const kept: MessageLog['offsets'] = async (topic) =>
      (await offsets(topic)).map(({ first, next }) => ({ first: next === 0 ? first : 4, next }))
    Object.assign(context.messageLog, { offsets: kept })
    expect(await inside(context, 'replay', '--store', 'a', '--to', 'earliest', '--wait', '1s')).toBe(1)
    expect(context.said.note).toMatch(/^6 records are left/)
  })

  test('says what is left when the time is over', async () => {
    const context = await replaying(0)
    expect(await inside(context, 'replay', '--store', 'a', '--to', 'earliest', '--wait', '1s')).toBe(1)
    expect(context.said.note).toBe('10 records are left after 1s; the sink goes on, if it runs\n')
  })

  test('without it, the command ends at once', async () => {
    const context = await replaying(0)
    expect(await inside(context, 'replay', '--store', 'a', '--to', 'earliest')).toBe(0)
    expect(context.said.note).toBe('')
  })
})
