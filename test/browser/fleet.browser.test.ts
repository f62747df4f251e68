/** The table of the fleet under the hands of somebody who reads in it: it finds, filters, keeps still, and says what is not there. */

import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { browserTests } from './browser.ts'
import { fakePage } from './fake-page.ts'
import { gatewayRow, manyGateways } from './fleet-fixture.ts'

const scrolled = (page: Page) => page.evaluate<number>('scrollY')
const focused = (page: Page) => page.evaluate<string>('document.activeElement.textContent')
const rows = (page: Page) => page.getByRole('table', { name: 'Gateways' }).getByRole('row')

browserTests('the table of the fleet', (open) => {
  test('counts are filters, the search finds a name, and both outlive a reload', async () => {
    const fake = await fakePage({ rows: manyGateways(300) })
    const { page } = await open(fake.url)
    await page.getByRole('button', { name: '9 Silent' }).click()
    await expect.poll(() => rows(page).count()).toBe(10)
    await page.getByRole('searchbox').fill('0010')
    await expect.poll(() => rows(page).count()).toBe(4)
    await page.reload()
    await expect.poll(() => rows(page).count()).toBe(4)
    expect(await page.getByRole('searchbox').inputValue()).toBe('0010')
    await page.getByRole('searchbox').fill('nobody')
    await page.getByText('No gateway is like that').waitFor()
  })

  test('who can not see it is told how many rows there are and which this is, and moves by keys to the last', async () => {
    const fake = await fakePage({ rows: manyGateways(2000) })
    const { page } = await open(fake.url)
    await page.getByRole('link', { name: 'field-00004' }).focus()
    expect(await page.getByRole('table', { name: 'Gateways' }).getAttribute('aria-rowcount')).toBe('2001')
    await page.keyboard.press('End')
    await expect.poll(() => focused(page)).toBe('field-02000')
    expect(
      await page.evaluate<string>("document.activeElement.closest('[role=row]').getAttribute('aria-rowindex')"),
    ).toBe('2001')
    await page.keyboard.press('ArrowUp')
    expect(await focused(page)).toBe('field-01999')
    expect(await rows(page).count()).toBeLessThan(80)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'field-01999' }).waitFor()
    await page.goBack()
    await expect.poll(() => focused(page)).toBe('field-01999')
  })

  test('keeps scrolling, focus and order while somebody is in it, and offers to sort again', async () => {
    const fake = await fakePage({ rows: manyGateways(500) })
    const { page } = await open(fake.url)
    await page.getByRole('link', { name: 'field-00004' }).focus()
    for (let i = 0; i < 60; i++) await page.keyboard.press('ArrowDown')
    const [at, top] = [await focused(page), await scrolled(page)]
    expect(top).toBeGreaterThan(500)
    await fake.change(gatewayRow('field-00400', { state: 'open', missing: 7 }), gatewayRow(at, { accepted: 123_456 }))
    await page.getByText('123,456').first().waitFor()
    expect([await focused(page), await scrolled(page)]).toEqual([at, top])
    await page.getByRole('button', { name: 'Sort again (1 moved)' }).click()
    await page.evaluate('scrollTo(0, 0)')
    await expect
      .poll(() => rows(page).allInnerTexts())
      .toEqual(expect.arrayContaining([expect.stringContaining('field-00400')]))
  })

  test('sorts trouble to the top by itself while nobody is in it', async () => {
    const fake = await fakePage({ rows: manyGateways(500) })
    const { page } = await open(fake.url)
    await page.getByText('field-00004').waitFor()
    await fake.change(gatewayRow('field-00400', { state: 'open', link: 'cut' }))
    // After the header and four cut ones of a lower number.
    await expect.poll(() => rows(page).nth(5).innerText()).toContain('field-00400')
  })

  test('without a gateway it says how to send a reading', async () => {
    const fake = await fakePage({ rows: [] })
    const { page } = await open(fake.url)
    await page.getByText(`curl ${fake.url}/readings`).waitFor()
  })

  test('trouble told on a kept connection is shown until the next news', async () => {
    const fake = await fakePage({ rows: manyGateways(10) })
    const { page } = await open(fake.url)
    await page.getByText('Live').waitFor()
    await fake.trouble('the ledger does not answer')
    await page.getByText(/Waiting since \d\d:\d\d:\d\d/).waitFor()
    await fake.change(gatewayRow('field-00006', { accepted: 7_654_321 }))
    await page.getByText('Live').waitFor()
    await page.getByText('7,654,321').first().waitFor()
  })

  test('while the ledger is away it says since when and why, and goes on by itself', async () => {
    const fake = await fakePage({ rows: manyGateways(10) })
    const { page } = await open(fake.url)
    await page.getByText('Live').waitFor()
    fake.away('the ledger does not answer')
    await page.getByText(/Waiting since \d\d:\d\d:\d\d/).waitFor()
    await page.getByText('field-00004').waitFor()
    const { page: late } = await open(fake.url)
    await late.getByText(/Nothing to show: the ledger does not answer \(since/).waitFor()
    fake.away(undefined)
    await page.getByText('Live').waitFor()
    await late.getByText('field-00004').waitFor()
  })
})
