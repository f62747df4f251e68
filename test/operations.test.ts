/** What an operator is told keeps pace with the code: metrics, dashboard, alert rules, and the commands that the operations page names. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { METRICS, metricsMarkdown } from '../services/main/metric-samples.ts'
import { cliRecorder } from './support/cli-recorder.ts'

const infra = fileURLToPath(new URL('../infra/', import.meta.url))
const page = readFileSync(`${infra}operations.md`, 'utf8')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}
interface Panel {
  readonly title: string
  readonly type: string
  readonly description?: string
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

const { groups } = parse(readFileSync(`${infra}prometheus/alerts.yaml`, 'utf8')) as {
  groups: readonly { rules: readonly Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)
const { panels } = JSON.parse(readFileSync(`${infra}grafana/tidemark.json`, 'utf8')) as { panels: readonly Panel[] }

const declared = new Set(METRICS.map(({ name }) => name))

function unknownIn(expr: string): readonly string[] {
  return [...expr.matchAll(/\btidemark_\w+/g)].map(([name]) => name).filter((name) => !declared.has(name))
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

const headings = [...page.matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '')

test('the table of metrics is the one the declarations make', () => {
  const table = /<!-- metrics -->\n([\s\S]*?)\n<!-- \/metrics -->/.exec(page)?.[1]
  expect(table).toBe(metricsMarkdown())
})

test('metrics are named as Prometheus asks for: base units last, each name once', () => {
  expect(declared.size).toBe(METRICS.length)
  for (const { name, help } of METRICS) {
    expect(name).toMatch(/^tidemark_[a-z]+(_[a-z]+)*$/)
    expect(name).not.toMatch(/_(ms|us|ns|kb|mb|percent|minutes|hours)(_|$)/)
    expect(help).toMatch(/\.$/)
  }
})

describe('alert rules', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s asks for declared metrics and says what to do',
    (name, rule) => {
      expect(unknownIn(rule.expr)).toEqual([])
      expect(rule.labels.severity).toMatch(/^(warning|critical)$/)
      expect(rule.annotations.summary).toMatch(/\S/)
      expect(rule.annotations.description).toMatch(/\.$/)
      expect(rule.annotations.runbook).toBe(`infra/operations.md#${anchorOf(name)}`)
      expect(headings).toContain(name)
    },
  )

  test('each is explained, and nothing else is', () => {
    const explained = headings.filter((heading) => heading.startsWith('Tidemark'))
    expect(explained.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
  })
})

describe('the dashboard', () => {
  test.each(panels.filter(({ type }) => type !== 'row').map((panel) => [panel.title, panel] as const))(
    '%s shows declared metrics of the chosen source, and says what they are',
    (_, { targets = [], description }) => {
      expect(targets.length).toBeGreaterThan(0)
      expect(description).toMatch(/\.$/)
      for (const { expr, datasource } of targets) {
        expect(unknownIn(expr)).toEqual([])
        expect(expr).toMatch(/tidemark_|process_|nodejs_/)
        expect(datasource.uid).toBe(`\${datasource}`)
      }
    },
  )
})

describe('the operations page', () => {
  const commands = [...page.matchAll(/npx tidemark ([^`\n#]+)/g)].map((match) => (match[1] ?? '').trim())

  test.each([...new Set(commands)])('npx tidemark %s is a command', async (text) => {
    const argv = [...text.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
    const { run, said } = cliRecorder()
    expect([0, 3], said.note).toContain(await run(...argv))
    expect(said.note).toBe('')
  })

  test('its links lead somewhere', () => {
    const anchors = headings.map(anchorOf)
    for (const [, anchor = ''] of page.matchAll(/\]\(#([\w-]+)\)/g)) expect(anchors, anchor).toContain(anchor)
  })
})
