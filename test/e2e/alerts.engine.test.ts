/** Alerts on real processes: a database that flaps, an indexer that is killed meanwhile, and on every channel one opening and one end. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { httpRecorder, smtpRecorder } from '../support/alert-recorders.ts'
import { engineTests } from '../support/engines.ts'
import { environmentOf } from '../support/environment.ts'
import { recordFiles } from '../support/recording-files.ts'
import { startService } from '../support/service-process.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { tidemark } from '../support/up-process.ts'

const engines = engineTests('mongodb')
const CLEAR_MS = 5_000
const TEST_MS = 150_000

function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function farSides() {
  const [slack, pagerduty, hook, smtp] = await Promise.all([
    httpRecorder(),
    httpRecorder(),
    httpRecorder(),
    smtpRecorder('pa55word'),
  ])
  onTestFinished(() => Promise.all([slack, pagerduty, hook, smtp].map((each) => each[Symbol.asyncDispose]())).then())
  const settings = {
    ALERT_SLACK_URL: `${slack.url}/services/T/B/x`,
    ALERT_PAGERDUTY_KEY: 'r0uting',
    ALERT_PAGERDUTY_URL: `${pagerduty.url}/v2/enqueue`,
    ALERT_WEBHOOK_URL: hook.url,
    ALERT_SMTP_URL: smtp.url,
    ALERT_MAIL_FROM: 'tidemark@example.org',
    ALERT_MAIL_TO: 'farm@example.org',
  }
  /** What each has heard, in its own words. */
  const heard = () => ({
    slack: slack.posts.map(({ body }) => String(body.text)),
    pagerduty: pagerduty.posts.map(({ body }) => String(body.event_action)),
    webhook: hook.posts.map(({ body }) => String(body.event)),
    mail: smtp.mails.map(({ text }) => /^Subject: (.*)/m.exec(text)?.[1]?.trim()),
  })
  const keys = () => new Set(pagerduty.posts.map(({ body }) => body.dedup_key))
  return { settings, heard, keys }
}

const OPENED = { pagerduty: ['trigger'], webhook: ['opened'] }
const ENDED = { pagerduty: ['trigger', 'resolve'], webhook: ['opened', 'ended'] }
const SUBJECT = 'tidemark: store-away: index of recordings'
const OVER = 'tidemark: over: store-away: index of recordings'

engines.describe('alerts while the database flaps', () => {
  test(
    'every channel is told once that it is away and once that it is back, through a restart in the middle',
    async () => {
      const dir = await temporaryDir()
      onTestFinished(() => dir[Symbol.asyncDispose]())
      const [root, data] = [join(dir.path, 'recordings'), join(dir.path, 'data')]
      await mkdir(root)
      const server = await engines.mongodb()
      const far = await farSides()
      const env = environmentOf(far.settings, {
        RECORDING_ROOTS: `store=${root}`,
        RECORDINGS: 'mongodb',
        MONGODB_URL: server.url,
        ALERT_EVERY: '200ms',
        ALERT_STORE_AWAY_AFTER: '2s',
        ALERT_CLEAR_AFTER: `${CLEAR_MS / 1_000}s`,
      })
      const start = () => startService(['indexer', '--data', data], env)
      const listed = async (): Promise<{ episodes: { rule: string; ended_at: string | null }[]; text: string }> => {
        const { out } = await tidemark(data, ['alerts', 'list', '--json'], env)
        return { ...(JSON.parse(out) as { episodes: [] }), text: out }
      }
      const first = await start()
      await recordFiles(root, 'before', 10)
      await server.stop()
      await expect.poll(far.heard, { timeout: 20_000 }).toEqual({ slack: [SUBJECT], mail: [SUBJECT], ...OPENED })
      // What was sent is noted at once; then it may be killed.
      await elapse(500)
      await first.end('SIGKILL')
      const second = await start()
      await recordFiles(root, 'during', 20)
      for (let i = 0; i < 2; i++) {
        await server.start()
        await elapse(1_000)
        await server.kill()
        await elapse(2_000)
      }
      const { episodes, text } = await listed()
      expect(episodes).toMatchObject([{ rule: 'store-away', ended_at: null }])
      expect(text).not.toMatch(/pa55word|r0uting|\/services\/T/)
      expect(far.heard()).toEqual({ slack: [SUBJECT], mail: [SUBJECT], ...OPENED })
      await server.start()
      await expect
        .poll(far.heard, { timeout: 40_000 })
        .toEqual({ slack: [SUBJECT, OVER], mail: [SUBJECT, OVER], ...ENDED })
      expect(far.keys().size).toBe(1)
      await elapse(500)
      expect((await second.end('SIGTERM')).code).toBe(0)
      const third = await start()
      await elapse(CLEAR_MS)
      expect(far.heard()).toEqual({ slack: [SUBJECT, OVER], mail: [SUBJECT, OVER], ...ENDED })
      expect((await listed()).episodes.filter((each) => each.ended_at === null)).toEqual([])
      expect(second.output() + third.output()).not.toMatch(/pa55word|r0uting|\/services\/T/)
      expect((await third.end('SIGTERM')).code).toBe(0)
    },
    TEST_MS,
  )
})
