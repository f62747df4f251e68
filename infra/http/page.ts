/** The page as a browser gets it: one HTML document with the token of this start, and the files it names. */

import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { pageFiles } from './page-files.ts'

/** Everything the page needs comes from this app; nothing of it stands inside the document, so that `default-src 'self'` can hold. */
export function pageApp(token: string): Hono {
  const app = new Hono()
  app.get('/', (context) => context.html(pageHtml(token), 200, { 'Cache-Control': 'no-store' }))
  app.get('/page/:name', (context) => {
    const file = pageFiles().get(context.req.param('name'))
    if (file === undefined) return context.json({ code: 'file-unknown', reason: 'the page has no such file' }, 404)
    const headers = { ETag: file.etag, 'Cache-Control': 'no-cache' }
    if (context.req.header('if-none-match') === file.etag) return context.body(null, 304, headers)
    return context.body(file.body, 200, { ...headers, 'Content-Type': file.type })
  })
  return app
}

/** `token` lets the page's own buttons post, and no other site's. `tidemark-build` tells an open page that its files are old. */
function pageHtml(token: string): string {
  const files = pageFiles()
  const modules = [...files.keys()].filter((name) => name.endsWith('.js') && name !== 'uplot.js')
  const build = createHash('sha256')
  for (const { etag } of files.values()) build.update(etag)
  return `<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<title>tidemark</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="tidemark-token" content="${token}">
<meta name="tidemark-build" content="${build.digest('hex').slice(0, 32)}">
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
${['page', 'fleet', 'gateway', 'narrow'].map((name) => `<link rel="stylesheet" href="/page/${name}.css">`).join('\n')}
<script type="module" src="/page/theme.js" blocking="render"></script>
<script type="module" src="/page/main.js"></script>
${modules.map((name) => `<link rel="modulepreload" href="/page/${name}">`).join('\n')}
</head>
<body>
<noscript><p class="notice">This page needs JavaScript. Without it, <code>npx tidemark proof</code> tells the same.</p></noscript>
</body>
</html>
`
}
