/** What every channel of alerts promises. */

import { describe, expect, test } from 'vitest'
import { TidemarkError } from '../../services/core/errors.ts'
import type { AlertChannel, AlertMessage } from '../../services/ports/alert-channel.ts'
import type { Episode } from '../../services/ports/episode-store.ts'

export interface AlertChannelUnderTest extends AsyncDisposable {
  readonly channel: AlertChannel
  /** What the far side has taken, one text for each message. */
  taken(): readonly string[]
  /** The far side refuses the next one, for now; absent where there is none. */
  readonly refuse?: () => void
  /** What must stand in no error and in no log. */
  readonly secret?: string
}

export function episode(subject: string, more: Partial<Episode> = {}): Episode {
  return {
    ...{ id: `id-${subject}`, rule: 'store-away', subject, summary: `the summary of ${subject}`, sinceMs: 1_000 },
    ...{ openedMs: 61_000, clearSinceMs: null, endedMs: null, sent: {}, ...more },
  }
}

export function alertMessage(event: AlertMessage['event'], ...episodes: readonly Episode[]): AlertMessage {
  const installation = 'farm-7'
  return { event, episodes, rule: 'store-away', severity: 'critical', advice: 'Look whether it runs.', installation }
}

const opened = alertMessage('opened', episode('store mongodb'))
const never = new AbortController().signal

export function alertChannelContract(label: string, open: () => Promise<AlertChannelUnderTest>): void {
  describe(`${label}: a channel of alerts`, () => {
    test('brings an opening and its end, one message each, with what it is about', async () => {
      await using it = await open()
      await it.channel.send(opened, never)
      await it.channel.send(alertMessage('ended', episode('store mongodb', { endedMs: 90_000 })), never)
      expect(it.taken()).toHaveLength(2)
      expect(it.taken()[0]).toContain('store-away')
      expect(it.taken()[0]).toContain('the summary of store mongodb')
      expect(it.taken()[0]).toContain('Look whether it runs.')
    })

    test('names the far side without its secret', async () => {
      await using it = await open()
      expect(it.channel.target).not.toBe('')
      if (it.secret !== undefined) expect(it.channel.target).not.toContain(it.secret)
    })

    test('says what is worth another try, and then goes on', async () => {
      await using it = await open()
      if (it.refuse === undefined) return
      it.refuse()
      const failure = await it.channel.send(opened, never).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failure).toMatchObject({ code: 'alert-unavailable' })
      if (it.secret !== undefined) expect(String((failure as TidemarkError).stack)).not.toContain(it.secret)
      expect(it.taken()).toEqual([])
      await it.channel.send(opened, never)
      expect(it.taken()).toHaveLength(1)
    })

    test('stops when it is asked to', async () => {
      await using it = await open()
      if (it.refuse === undefined) return
      await expect(it.channel.send(opened, AbortSignal.abort())).rejects.toThrow(TidemarkError)
      expect(it.taken()).toEqual([])
    })
  })
}
