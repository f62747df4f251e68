/** What the page does for an operator: it asks first, brings the token of this start, and says how it ended. */

import { expect, test } from 'vitest'
import { browserTests } from './browser.ts'
import { fakePage } from './fake-page.ts'
import { gatewayRow, iso } from './fleet-fixture.ts'

const HERE = gatewayRow('here', {
  state: 'open',
  switchable: true,
  missing: 312,
  journal: { readings: 1204, unconfirmed: 312, bytes: 48_000, max_bytes: 1_000_000 },
})

const ENTRY = {
  id: '3:17',
  at: iso(Date.now()),
  gateway: 'here',
  code: 'value-wrong',
  reason: 'expected a number',
  store: 'mongodb',
  from: 'readings/3@1041',
  redrivable: true,
}

browserTests('what the page does', (open) => {
  test('a click with a token of an earlier start still does what was asked, where the user is', async () => {
    const fake = await fakePage({ rows: [HERE] })
    const { page } = await open(`${fake.url}/#/gateway/here`)
    await page.getByRole('switch', { name: 'Link of here' }).waitFor()
    fake.token('second-token')
    await page.getByRole('switch', { name: 'Link of here' }).click()
    await page.getByText('The link of here is cut.').waitFor()
    expect(fake.posts).toEqual([['/api/link/here', { cut: true }]])
    expect(page.url()).toBe(`${fake.url}/#/gateway/here`)
  })

  test('what the server refuses is said in its words', async () => {
    const fake = await fakePage({ rows: [HERE] })
    const { page } = await open(`${fake.url}/#/gateway/here`)
    await page.getByRole('switch', { name: 'Link of here' }).waitFor()
    fake.away('the ledger does not answer')
    await page.getByRole('switch', { name: 'Link of here' }).click()
    await page.getByText('The link of here was not cut: the ledger does not answer').waitFor()
    expect(fake.posts).toEqual([])
  })

  test('the window of an outage is asked for again, once it was confirmed', async () => {
    const fake = await fakePage({ rows: [HERE] })
    const { page } = await open(`${fake.url}/#/gateway/here`)
    await page.getByRole('button', { name: 'Ask again for this window' }).click()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Ask again for this window' }).click()
    const from = await page.getByLabel('From').inputValue()
    await page.getByRole('dialog').getByRole('button', { name: 'Ask again' }).click()
    await page.getByText('here is asked for the window again.').waitFor()
    const asked = { gateway: 'here', from: `${from.padEnd(19, ':00')}.000Z`, to: expect.any(String) }
    expect(fake.posts).toEqual([['/api/recover', asked]])
  })

  test('positions are written off with a reason, and not without one', async () => {
    const fake = await fakePage({ rows: [HERE] })
    const { page } = await open(`${fake.url}/#/gateway/here`)
    await page.getByRole('button', { name: 'Write off …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Write off' }).click()
    expect(await dialog.isVisible()).toBe(true)
    await dialog.getByLabel('Reason').fill('the card burned')
    await dialog.getByRole('button', { name: 'Write off' }).click()
    await expect
      .poll(() => fake.posts)
      .toEqual([
        ['/api/writeoff', { gateway: 'here', epoch: '6f1c20aa93d7', ranges: '80101-80412', reason: 'the card burned' }],
      ])
  })

  test('a quarantined entry is driven again or discarded, once it was confirmed', async () => {
    const fake = await fakePage({ rows: [HERE], quarantine: [ENTRY] })
    const { page } = await open(`${fake.url}/#/quarantine`)
    await page.getByRole('button', { name: 'Discard: 3:17' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Drive again: 3:17' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Drive again' }).click()
    await page.getByText('The entry is driven again.').waitFor()
    await page.getByRole('button', { name: 'Discard: 3:17' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click()
    await page.getByText('The entry is discarded.').waitFor()
    expect(fake.posts).toEqual([
      ['/api/quarantine/redrive', { id: '3:17' }],
      ['/api/quarantine/discard', { id: '3:17' }],
    ])
  })

  test('a gap that closes is said to have closed', async () => {
    const fake = await fakePage({ rows: [HERE] })
    const { page } = await open(`${fake.url}/#/gateway/here`)
    await page.getByRole('heading', { name: '312 positions missing' }).waitFor()
    await fake.change(gatewayRow('here', { switchable: true }))
    await page.getByText(/The gap of epoch .* closed at/).waitFor()
    await page.getByText('No gap:').waitFor()
  })

  test('the range of the plot is chosen by keys', async () => {
    const fake = await fakePage({ rows: [HERE] })
    const { page } = await open(`${fake.url}/#/gateway/here`)
    await page.getByRole('img', { name: /in the last 5 minutes: 300 readings/ }).waitFor()
    await page.getByRole('radio', { name: '5 min' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.getByRole('img', { name: /in the last hour/ }).waitFor()
    await page.getByLabel('Field').selectOption('pressure')
    await page.getByRole('img', { name: /pressure of roof in the last hour/ }).waitFor()
  })
})
