/** The first page: every gateway's state, refreshed each second, with a switch for its link. */

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884 }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.complete { color: #2a7d46 } .open { color: #b4560d } .closed { color: #7a5ea8 }
@media (prefers-color-scheme: dark) { .complete { color: #6fce8f } .open { color: #f0a35e } .closed { color: #bfa6ec } }
button { font: inherit; padding: .1rem .7rem }
`

const SCRIPT = `
const token = document.querySelector('meta[name=tidemark-token]').content
const rows = document.querySelector('tbody'), said = document.querySelector('#said')
const cell = (row, text, className = '') => { const td = row.insertCell(); td.textContent = text; td.className = className; return td }
async function refresh() {
  try {
    const answer = await fetch('/api/gateways')
    if (!answer.ok) throw new Error('the server answered ' + answer.status)
    const { as_of, state, gateways } = await answer.json()
    const focused = document.activeElement?.dataset?.gateway
    rows.replaceChildren()
    for (const gateway of gateways) {
      const row = rows.insertRow()
      cell(row, gateway.gateway)
      cell(row, gateway.state, gateway.state)
      for (const name of ['journal', 'accepted', 'settled', 'pending']) cell(row, String(gateway[name]), 'n')
      const last = cell(row, '')
      if (gateway.cut === undefined) continue
      const button = document.createElement('button')
      button.textContent = gateway.cut ? 'restore link' : 'cut link'
      button.setAttribute('aria-label', button.textContent + ' of ' + gateway.gateway)
      button.dataset.gateway = gateway.gateway
      button.onclick = () => fetch('/api/link/' + encodeURIComponent(gateway.gateway), {
        method: 'POST', headers: { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' },
        body: JSON.stringify({ cut: !gateway.cut }),
      }).then((reply) => reply.status === 401 ? location.reload() : refresh())
      last.append(button)
      if (focused === gateway.gateway) button.focus()
    }
    said.textContent = state + ' as of ' + as_of
  } catch (error) { said.textContent = 'not reached: ' + error.message }
}
refresh(); setInterval(refresh, 1000)
`

/** `token` lets the page's own buttons post, and no other site's. */
export function pageHtml(token: string): string {
  const heads = ['journal', 'on the log', 'settled', 'missing'].map((head) => `<th class="n" scope="col">${head}</th>`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>tidemark</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="tidemark-token" content="${token}">
<style>${STYLE}</style></head>
<body><h1>tidemark</h1><p id="said" role="status"></p>
<div class="wide"><table><caption>Where each gateway's readings are</caption>
<thead><tr><th scope="col">gateway</th><th scope="col">state</th>${heads.join('')}<th scope="col">link</th></tr></thead>
<tbody></tbody></table></div>
<script>${SCRIPT}</script></body></html>
`
}
