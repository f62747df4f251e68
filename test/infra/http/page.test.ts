/** What the server hands out of the page: a document without anything inline, and files that a browser may keep as long as they are the same. */

import { describe, expect, test } from 'vitest'
import { pageApp } from '../../../infra/http/page.ts'

const app = pageApp('page-secret')

describe('the files of the page', () => {
  test('the document carries its token, is kept by nobody, and holds no script or style of its own', async () => {
    const answer = await app.request('/')
    const html = await answer.text()
    expect(answer.headers.get('content-type')).toContain('text/html')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(html).toContain('<meta name="tidemark-token" content="page-secret">')
    expect(html).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|https?:/)
  })

  test.each([
    ['page.css', 'text/css; charset=utf-8'],
    ['icon.svg', 'image/svg+xml'],
    ['uplot.js', 'text/javascript; charset=utf-8'],
    ['uplot.css', 'text/css; charset=utf-8'],
  ])('%s comes from this machine as %s', async (name, type) => {
    const answer = await app.request(`/page/${name}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(type)
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(100)
  })

  test('a file that has not changed is not sent twice', async () => {
    const first = await app.request('/page/page.css')
    const etag = first.headers.get('etag') ?? ''
    expect(first.headers.get('cache-control')).toBe('no-cache')
    const again = await app.request('/page/page.css', { headers: { 'If-None-Match': etag } })
    expect(again.status).toBe(304)
    expect(await again.text()).toBe('')
    expect((await app.request('/page/page.css', { headers: { 'If-None-Match': '"other"' } })).status).toBe(200)
  })

  test.each(['nothing.css', '..%2fpage-files.ts', 'main.ts', '%2e%2e%2f%2e%2e%2fpackage.json'])(
    'hands out nothing else: %s',
    async (name) => {
      expect((await app.request(`/page/${name}`)).status).toBe(404)
    },
  )
})
