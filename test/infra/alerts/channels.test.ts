/** Each channel against a far side that keeps what came: the contract, and what it looks like there. */

import { Writable } from 'node:stream'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { logChannel } from '../../../infra/alerts/log.ts'
import { mailChannel } from '../../../infra/alerts/mail.ts'
import { pagerdutyChannel } from '../../../infra/alerts/pagerduty.ts'
import { slackChannel } from '../../../infra/alerts/slack.ts'
import { webhookChannel } from '../../../infra/alerts/webhook.ts'
import type { AlertChannel } from '../../../services/ports/alert-channel.ts'
import { alertChannelContract, alertMessage, episode } from '../../contract/alert-channel.ts'
import { type HttpRecorder, httpRecorder, smtpRecorder } from '../../support/alert-recorders.ts'

const SECRET = 's3cr3t-of-the-hook'
const never = new AbortController().signal
const opened = alertMessage('opened', episode('store mongodb'))
const ended = alertMessage('ended', episode('store mongodb', { endedMs: 90_000 }))

const POSTING: readonly (readonly [name: string, open: (url: string) => AlertChannel])[] = [
  ['slack', (url) => slackChannel(`${url}/services/${SECRET}`)],
  ['pagerduty', (url) => pagerdutyChannel({ url: `${url}/v2/enqueue`, routingKey: SECRET })],
  ['webhook', (url) => webhookChannel(`${url}/hook?token=${SECRET}`)],
]

async function posting(open: (url: string) => AlertChannel) {
  const far = await httpRecorder()
  return {
    far,
    channel: open(far.url),
    taken: () => far.posts.map(({ body }) => JSON.stringify(body)),
    refuse: () => void far.answers.push(503),
    secret: SECRET,
    [Symbol.asyncDispose]: () => far[Symbol.asyncDispose](),
  }
}

async function mailing(password?: string) {
  const far = await smtpRecorder(password)
  const to = ['one@example.org', 'two@example.org']
  return {
    far,
    channel: mailChannel({ url: far.url, from: 'tidemark@example.org', to }),
    taken: () => far.mails.map(({ text }) => text.replaceAll('=\r\n', '')),
    refuse: () => void far.refusals.push(451),
    secret: password ?? SECRET,
    [Symbol.asyncDispose]: () => far[Symbol.asyncDispose](),
  }
}

function logging() {
  const lines: string[] = []
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString())
      done()
    },
  })
  return { lines, channel: logChannel(pino({ base: null }, sink)) }
}

for (const [name, open] of POSTING) alertChannelContract(name, () => posting(open))
alertChannelContract('mail without a login', () => mailing())
alertChannelContract('mail with a login', () => mailing('pa55word'))
alertChannelContract('the log', async () => {
  const { lines, channel } = logging()
  return { channel, taken: () => lines, [Symbol.asyncDispose]: async () => undefined }
})

describe.each(POSTING)('%s', (_, open) => {
  const failing = async (answer: HttpRecorder['answers'][number]): Promise<unknown> => {
    await using it = await posting(open)
    it.far.answers.push(answer)
    const error: unknown = await it.channel.send(opened, never).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(String((error as Error).stack)).not.toContain(SECRET)
    return error
  }

  test.each([[500], [502], [408], ['drop' as const]])('after %s another try is worth it', async (answer) => {
    expect(await failing(answer)).toMatchObject({ code: 'alert-unavailable' })
  })

  test.each([[301], [400], [401], [403], [404], [410]])('after %s somebody has to look', async (status) => {
    expect(await failing(status)).toMatchObject({
      code: 'alert-refused',
      message: expect.stringMatching(`127.0.0.1:\\d+ answers ${status}: said by the far side; check`),
    })
  })

  test('when it is asked to wait it waits so long, but not for ever', async () => {
    const asked = (seconds: string) => failing({ status: 429, headers: { 'Retry-After': seconds } })
    expect(await asked('7')).toMatchObject({ code: 'alert-unavailable', facts: { retryAfterMs: 7_000 } })
    expect(await asked('999999')).toMatchObject({ facts: { retryAfterMs: 3_600_000 } })
  })

  test('an address where nobody listens is worth another try', async () => {
    const gone = await posting(open)
    await gone[Symbol.asyncDispose]()
    await expect(gone.channel.send(opened, never)).rejects.toMatchObject({
      code: 'alert-unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })
})

test('Slack gets a title and a block, with what could be markup made harmless', async () => {
  await using it = await posting(POSTING[0]?.[1] ?? webhookChannel)
  await it.channel.send(alertMessage('opened', episode('<!channel> & more\n*x*')), never)
  expect(it.far.posts[0]?.path).toBe(`/services/${SECRET}`)
  expect(it.far.posts[0]?.body.text).toBe('farm-7: store-away: &lt;!channel&gt; &amp; more *x*')
  expect(it.far.posts[0]?.body.blocks).toMatchObject([{ type: 'section', text: { type: 'mrkdwn' } }])
})

test('PagerDuty opens and closes one incident by one key', async () => {
  await using it = await posting(POSTING[1]?.[1] ?? webhookChannel)
  await it.channel.send(opened, never)
  await it.channel.send(ended, never)
  const key = 'tidemark/id-store mongodb'
  expect(it.far.posts.map(({ body }) => body)).toMatchObject([
    {
      routing_key: SECRET,
      dedup_key: key,
      event_action: 'trigger',
      payload: {
        summary: 'farm-7: store-away: store mongodb',
        source: 'farm-7',
        severity: 'critical',
        timestamp: '1970-01-01T00:00:01Z',
        component: 'store mongodb',
        class: 'store-away',
      },
    },
    { routing_key: SECRET, dedup_key: key, event_action: 'resolve' },
  ])
})

test('a webhook gets every episode with its times', async () => {
  await using it = await posting(POSTING[2]?.[1] ?? slackChannel)
  await it.channel.send({ ...ended, isTest: true }, never)
  expect(it.far.posts[0]?.body).toEqual({
    ...{ event: 'ended', rule: 'store-away', severity: 'critical', installation: 'farm-7', test: true },
    advice: 'Look whether it runs.',
    episodes: [
      {
        ...{ id: 'id-store mongodb', subject: 'store mongodb', summary: 'the summary of store mongodb' },
        since: '1970-01-01T00:00:01Z',
        opened_at: '1970-01-01T00:01:01Z',
        ended_at: '1970-01-01T00:01:30Z',
      },
    ],
  })
})

test('a mail goes to all, and its end stands in the thread of its opening', async () => {
  await using it = await mailing('pa55word')
  await it.channel.send(alertMessage('opened', episode('ledger')), never)
  await it.channel.send(alertMessage('ended', episode('ledger', { endedMs: 90_000 })), never)
  const [first, second] = it.far.mails
  expect(first).toMatchObject({ from: 'tidemark@example.org', to: ['one@example.org', 'two@example.org'] })
  expect(first?.text).toContain('Subject: farm-7: store-away: ledger')
  expect(second?.text).toContain('Subject: farm-7: over: store-away: ledger')
  const id = /^Message-ID: (<\S+>)/im.exec(first?.text ?? '')?.[1]
  expect(id).toBeDefined()
  expect(second?.text).toContain(`In-Reply-To: ${id}`)
})

test('a name with a line break makes no header of its own', async () => {
  await using it = await mailing()
  await it.channel.send(alertMessage('opened', episode('a\r\nBcc: three@example.org')), never)
  expect(it.far.mails[0]?.to).toHaveLength(2)
  expect(it.far.mails[0]?.text).not.toMatch(/^Bcc:/m)
})

test.each([
  ['a refused login', 'other', []],
  ['a refusal for good', 'pa55word', [550]],
])('%s is for somebody to look at, and says no password', async (_, password, refusals) => {
  await using far = await smtpRecorder('pa55word')
  far.refusals.push(...refusals)
  const url = far.url.replace('pa55word', password)
  const channel = mailChannel({ url, from: 'a@example.org', to: ['b@example.org'] })
  const error = (await channel.send(opened, never).catch((thrown: unknown) => thrown)) as Error
  expect(error).toMatchObject({ code: 'alert-refused' })
  expect(String(error.stack)).not.toMatch(/pa55word|other/)
})

test('in the log an alert is as loud as it is bad', async () => {
  const { lines, channel } = logging()
  await channel.send(opened, never)
  await channel.send({ ...opened, severity: 'warning' }, never)
  await channel.send(ended, never)
  expect(lines.map((line) => (JSON.parse(line) as { level: number }).level)).toEqual([50, 40, 30])
})

test('many at once are one message that names the first of them', async () => {
  await using it = await posting(POSTING[0]?.[1] ?? webhookChannel)
  await it.channel.send(alertMessage('opened', ...Array.from({ length: 300 }, (_, i) => episode(`g${i}`))), never)
  expect(it.far.posts[0]?.body.text).toMatch(/^farm-7: store-away: 300: g0, g1, .*, g19, and 280 more$/)
})
