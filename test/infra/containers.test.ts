/** The files that containers are made from: every service they run would accept its settings, and what the image copies is there. */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseSettings } from '../../services/core/settings.ts'
import { type Service, serviceFaults } from '../../services/main/service-needs.ts'

interface ComposeService {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly disable?: boolean }
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CLOUD = 'infra/compose.yaml'
const EDGE = 'infra/compose.edge.yaml'
const EXAMPLE = text('infra/compose.env.example')
/** What a user gives: the secrets of the example, and what the comment on top of the edge file names. */
const GIVEN: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...EXAMPLE.matchAll(/^(\w+)=$/gm)].map(([, name]) => [name, '0123456789abcdef'])),
  GATEWAY_ID: 'shed',
  KAFKA_BROKERS: 'cloud.example:9094',
  REGISTRY: 'http://cloud.example:8081/apis/ccompat/v7',
  RECORDINGS_DIR: '/srv/recordings',
  RECORDING_ROOTS: 'recordings=/recordings',
}
/** Of the image. */
const IMAGE = { TIDEMARK_HTTP_HOST: '0.0.0.0' }

function text(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function servicesOf(file: string): Readonly<Record<string, ComposeService>> {
  const filled = text(file).replace(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_, name: string, kind: string, rest: string) => {
      const value = GIVEN[name] ?? (kind === '-' ? rest : undefined)
      if (value === undefined) throw new Error(`${file}: ${name} is given nowhere`)
      return value
    },
  )
  return (parse(filled, { merge: true }) as { services: Record<string, ComposeService> }).services
}

const ours = [CLOUD, EDGE].flatMap((file) =>
  Object.entries(servicesOf(file)).flatMap(([name, service]) =>
    service.image === 'tidemark' ? [{ file, name, ...service }] : [],
  ),
)

test('the files run every service that may run in a process of its own', () => {
  const words = ours.map(({ command }) => command?.join(' '))
  expect(words.toSorted()).toEqual([
    'gateway',
    'indexer',
    'mirror',
    'recovery',
    'schemas register',
    'sink --store influxdb',
    'sink --store mongodb',
    'status',
    'topics apply',
  ])
})

test.each(ours)('$name of $file starts with the settings it is given', ({ command = [], environment = {} }) => {
  const parsed = parseSettings({ env: { ...IMAGE, ...environment } })
  if (!parsed.ok) throw new Error(parsed.faults.join('\n'))
  const [word = '', , store] = command
  const isService = (each: string): each is Service =>
    ['gateway', 'recovery', 'sink', 'status', 'indexer'].includes(each)
  if (isService(word)) expect(serviceFaults(word, parsed, store)).toEqual([])
})

test.each([CLOUD, EDGE])('%s lets nothing wait for what never says that it is healthy or done', (file) => {
  const services = servicesOf(file)
  for (const [name, { depends_on: waitsFor = {} }] of Object.entries(services)) {
    for (const [other, { condition }] of Object.entries(waitsFor)) {
      const { healthcheck, image } = services[other] ?? {}
      const says = healthcheck === undefined ? image === 'tidemark' : healthcheck.disable !== true
      expect([name, other, says]).toEqual([name, other, condition === 'service_healthy'])
    }
  }
})

test('no secret stands in a file of the repository', () => {
  for (const file of [CLOUD, EDGE]) {
    for (const [, name, value] of text(file).matchAll(/^\s+(\w*(?:PASSWORD|TOKEN)): (.*)$/gm)) {
      expect(value, `${file}: ${name}`).toMatch(/^\$\{\w+:[?-]/)
    }
  }
  expect(GIVEN).toMatchObject({ HTTP_TOKEN: expect.any(String), MONGODB_PASSWORD: expect.any(String) })
})

test('the image copies what is there, and its build is given what it needs and no secrets', () => {
  const dockerfile = text('infra/Dockerfile')
  const copied = [...dockerfile.matchAll(/^COPY --from=build \/app\/(\S+)/gm)].map(([, path]) => path ?? '')
  for (const path of copied.filter((each) => !['dist', 'node_modules'].includes(each))) {
    expect(existsSync(join(ROOT, path)), path).toBe(true)
  }
  const letIn = text('.dockerignore').split('\n')
  const { include } = JSON.parse(text('tsconfig.build.json')) as { readonly include: readonly string[] }
  const sources = include.filter((path) => !path.startsWith('test/'))
  expect(letIn[0]).toBe('*')
  for (const path of [...sources, 'bin', 'package.json', 'package-lock.json']) expect(letIn).toContain(`!${path}`)
  expect(letIn).toContain('**/*.env')
  expect(dockerfile).toMatch(/^USER node$/m)
})

const COMPOSE = 'docker-compose'
const missing = whyComposeIsMissing()
const title = `docker-compose takes the files${missing === undefined ? '' : ` (${missing})`}`
if (missing !== undefined) console.warn(`SKIPPED ${title}`)

describe.skipIf(missing !== undefined && process.env.CI === undefined)(title, () => {
  test.each([CLOUD, EDGE])('%s', { timeout: 60_000 }, (file) => {
    const env = { ...process.env, ...GIVEN }
    const said = execFileSync(COMPOSE, ['-f', file, 'config', '--quiet'], { cwd: ROOT, env, encoding: 'utf8' })
    expect(said).toBe('')
  })
})

function whyComposeIsMissing(): string | undefined {
  try {
    execFileSync(COMPOSE, ['version', '--short'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'docker-compose is not installed'
  }
}
