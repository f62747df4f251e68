/** The imports table of the architecture: which room may look into which. */

import type { Complaint, Import, Source } from './source.ts'

interface Room {
  /** Matches the paths of the room; its first group, where it has one, names the engine or the service. */
  readonly where: RegExp
  /** Patterns a target may match; `$1` stands for the first group of `where`. */
  readonly may: readonly string[]
  /** The same, for `import type` alone. */
  readonly mayTypes: readonly string[]
}

const WORDS = ['schemas/', 'topics/']
const RULES = ['services/core/', 'services/ports/']

/** The packages an engine's folder is about. */
const DRIVERS: Readonly<Record<string, readonly string[]>> = {
  embedded: ['lmdb', 'avsc', 'uuid'],
  http: ['hono', '@hono/node-server', 'prom-client', 'zod'],
  kafka: ['kafkajs'],
  mongodb: ['mongodb'],
  influxdb: ['msgpackr'],
  files: ['zod'],
  alerts: ['nodemailer'],
}

/** The first room that matches counts. */
const ROOMS: readonly Room[] = [
  { where: /^test\/|^[^/]*\.config\.ts$/, may: [''], mayTypes: [] },
  { where: /^services\/main(\.ts$|\/)/, may: [''], mayTypes: [] },
  { where: /^bin\//, may: ['dist/services/main.js', 'node:'], mayTypes: [] },
  {
    where: /^schemas\//, // errors.ts: the one table of errors, which imports nothing.
    may: ['schemas/', 'services/core/errors.ts', 'avsc', 'node:crypto'],
    mayTypes: ['services/ports/'],
  },
  { where: /^topics\//, may: ['schemas/', 'topics/', 'services/core/errors.ts'], mayTypes: [] },
  { where: /^services\/ports\//, may: ['services/ports/'], mayTypes: WORDS },
  // yaml: reading a settings file's text is as pure as checking it.
  { where: /^services\/core\//, may: [...RULES, ...WORDS, 'zod', 'yaml'], mayTypes: ['pino'] },
  {
    where: /^services\/(commands)\//,
    may: ['services/$1/', ...RULES, ...WORDS, 'commander', 'p-limit'],
    mayTypes: ['pino'],
  },
  {
    where: /^services\/([^/]+)\//,
    may: ['services/$1/', ...RULES, ...WORDS, 'p-limit', 'prom-client'],
    mayTypes: ['pino'],
  },
  // What runs in the browser: it knows the shapes of what the server tells it, and is served alone.
  { where: /^infra\/(page)\//, may: ['infra/page/'], mayTypes: ['services/status/', 'services/core/', 'uplot'] },
  // The doors are handlers of the gateway behind a server; the command channel hands commands through.
  {
    where: /^infra\/(http|mqtt)\//,
    may: ['infra/$1/', ...RULES, ...WORDS, 'services/gateway/', 'node:', 'p-limit'],
    mayTypes: ['pino', 'services/'],
  },
  // How a real engine is installed and run is the same for all of them.
  { where: /^infra\/([^/]+)\/launcher\.ts$/, may: ['infra/$1/', 'infra/engines/', ...RULES, 'node:'], mayTypes: [] },
  { where: /^infra\/engines\.ts$/, may: ['infra/', ...RULES, 'node:', 'commander'], mayTypes: [] },
  {
    where: /^infra\/([^/]+)\//,
    may: ['infra/$1/', 'infra/waiting.ts', ...RULES, ...WORDS, 'node:', 'p-limit'],
    mayTypes: ['pino'],
  },
  { where: /^infra\//, may: ['infra/', ...RULES, ...WORDS, 'node:', 'uuid', 'pino'], mayTypes: ['services/'] },
]

export function importComplaints({ path, imports }: Source): readonly Complaint[] {
  const room = ROOMS.find(({ where }) => where.test(path))
  if (room === undefined) return [`${path}:1: stands in no room of the architecture; put it where its neighbours are`]
  const owner = room.where.exec(path)?.[1] ?? ''
  return imports
    .filter((imported) => !isAllowed(room, owner, path, imported))
    .map(({ target, line }) => `${path}:${line}: may not import ${target}; see the imports table of the architecture`)
}

function isAllowed(room: Room, owner: string, path: string, { target, typeOnly }: Import): boolean {
  const drivers = path.startsWith('infra/') ? (DRIVERS[owner] ?? []) : []
  const patterns = [...room.may, ...(typeOnly ? room.mayTypes : []), ...drivers]
  return patterns.some((pattern) => {
    const wanted = pattern.replace('$1', owner)
    return wanted === '' || (/[/:]$/.test(wanted) ? target.startsWith(wanted) : target === wanted)
  })
}
