/** Alerts of a real `up` on one machine: a cut link is told once, its return once, and a channel that is gone holds nothing up. */

import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { httpRecorder } from '../support/alert-recorders.ts'
import { environmentOf } from '../support/environment.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { startUp, tidemark } from '../support/up-process.ts'

test('a cut link opens an alert and ends it, while another channel is away', async () => {
  const dir = await temporaryDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const data = join(dir.path, 'data')
  const [hook, gone] = await Promise.all([httpRecorder(), httpRecorder()])
  onTestFinished(() => hook[Symbol.asyncDispose]())
  await gone[Symbol.asyncDispose]()
  const env = environmentOf({
    ALERT_WEBHOOK_URL: hook.url,
    ALERT_SLACK_URL: gone.url,
    ALERT_EVERY: '200ms',
    ALERT_LINK_DOWN_AFTER: '1s',
    ALERT_CLEAR_AFTER: '1s',
  })
  const heard = (): readonly string[] =>
    hook.posts.map(({ body: { event, rule, episodes } }) => {
      const subjects = (episodes as { subject: string }[]).map(({ subject }) => subject)
      return `${event} ${rule} ${subjects.join()}`
    })
  let up = await startUp(data, [], env)
  await tidemark(data, ['link', 'cut', 'demo-1'])
  await expect.poll(heard, { timeout: 20_000 }).toEqual(['opened link-down demo-1'])
  const listed = await tidemark(data, ['alerts', 'list'], env)
  expect(listed.out).toMatch(/^up +link-down +demo-1/m)
  expect(await up.end('SIGTERM')).toBeLessThan(5_000)
  up = await startUp(data, [], env)
  await tidemark(data, ['link', 'restore', 'demo-1'])
  await expect.poll(heard, { timeout: 20_000 }).toEqual(['opened link-down demo-1', 'ended link-down demo-1'])
  const metrics = await (await fetch(`${up.url}/metrics`)).text()
  expect(metrics).toContain('tidemark_alerts_open{rule="link-down"} 0')
  expect(metrics).toMatch(/tidemark_alert_messages_total\{channel="slack",outcome="failed"\} [1-9]/)
  const tried = await tidemark(data, ['alerts', 'test', '--channel', 'slack'], env)
  expect([tried.code, tried.out]).toEqual([1, expect.stringContaining('ECONNREFUSED')])
  expect((await tidemark(data, ['alerts', 'test', '--channel', 'webhook'], env)).code).toBe(0)
  expect((await tidemark(data, ['alerts', 'test', '--channel', 'carrier-pigeon'], env)).code).toBe(2)
  expect(await up.end('SIGTERM')).toBeLessThan(5_000)
})
