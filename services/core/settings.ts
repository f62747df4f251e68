/** Settings from command line, environment and file into one typed object, or one message that names everything wrong with them. */

import { parse } from 'yaml'
import { fromMirrorKey } from './mirror-settings.ts'
import { contradictions } from './setting-contradictions.ts'
import { type AnySetting, SETTINGS, type Settings } from './setting-declarations.ts'

export { isLoopback } from './setting-contradictions.ts'
export type { Settings } from './setting-declarations.ts'

const PREFIX = 'TIDEMARK_'
/** Read by `npm run engines` and the tests alone. */
const NOT_SETTINGS = ['ENGINES_DIR', 'REQUIRE_ENGINES']
const ROWS: readonly (readonly [string, AnySetting])[] = Object.entries(SETTINGS)
const NAMES: readonly string[] = ROWS.map(([, { name }]) => name)

/** By setting name (`DATA_DIR`). */
export type GivenSettings = Readonly<Record<string, string>>

export interface SettingSources {
  /** From options of the command: these win. */
  readonly flags?: GivenSettings
  /** The process's environment as it is; only names that begin with `TIDEMARK_` are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** YAML with setting names as keys. `path` is for messages. */
  readonly file?: { readonly path: string; readonly text: string }
  /** The stores that this process itself opens, and so needs the access to; all of STORES where it is not given. */
  readonly opened?: readonly string[]
}

export interface SettingRow {
  readonly name: string
  readonly value: string
  readonly source: 'command line' | 'environment' | 'file' | 'default' | 'not set'
  readonly default: string
  readonly sentence: string
}

export type ParsedSettings =
  | { readonly ok: true; readonly settings: Settings; readonly rows: readonly SettingRow[] }
  /** One sentence each: what was expected, what came, what to do. */
  | { readonly ok: false; readonly faults: readonly string[] }

interface Given {
  readonly text: string
  readonly source: SettingRow['source']
  /** How the user knows it: `TIDEMARK_HTTP_PORT`, `HTTP_PORT in tidemark.yaml`. */
  readonly label: string
}

/** Command line before environment before file before default. Empty texts count as not set. */
export function parseSettings(sources: SettingSources): ParsedSettings {
  const faults: string[] = []
  const given = new Map<string, Given>([
    ...fromFile(sources.file, faults),
    ...fromEnvironment(sources.env, faults),
    ...fromFlags(sources.flags ?? {}),
  ])
  const values: Record<string, unknown> = {}
  for (const [key, declared] of ROWS) {
    const value = readValue(declared, given.get(declared.name), faults)
    if (value !== undefined) values[key] = value
  }
  const settings = values as Settings
  if (faults.length === 0) faults.push(...contradictions(settings, sources.opened ?? settings.stores))
  if (faults.length > 0) return { ok: false, faults }
  return { ok: true, settings, rows: ROWS.map(([, declared]) => rowOf(declared, given.get(declared.name))) }
}

/** The README's table. */
export function settingsMarkdown(): string {
  const rows = ROWS.map(([, { name, preset, kind, sentence }]) => {
    const expected = kind.expected.replaceAll('|', '\\|')
    return `| \`${name}\` | ${preset === null ? '' : `\`${preset}\``} | ${sentence} | ${expected} |`
  })
  return ['| name | default | what it is | expected |', '|---|---|---|---|', ...rows, ''].join('\n')
}

function fromFlags(flags: GivenSettings): readonly [string, Given][] {
  return Object.entries(flags).map(([name, text]) => [
    name,
    { text, source: 'command line', label: `${name} on the command line` },
  ])
}

function fromEnvironment(env: SettingSources['env'], faults: string[]): readonly [string, Given][] {
  return Object.entries(env).flatMap(([label, text]): [string, Given][] => {
    if (!label.startsWith(PREFIX) || text === undefined || text === '') return []
    const name = label.slice(PREFIX.length)
    if (NAMES.includes(name)) return [[name, { text, source: 'environment', label }]]
    if (NOT_SETTINGS.includes(name)) return []
    faults.push(unknownName(label, PREFIX, name))
    return []
  })
}

function fromFile(file: SettingSources['file'], faults: string[]): readonly [string, Given][] {
  if (file === undefined) return []
  return Object.entries(keysOf(file, faults)).flatMap(([key, given]): [string, Given][] => {
    const label = `${key} in ${file.path}`
    const [name, value] = fromMirrorKey(key, given)
    if (!NAMES.includes(name)) {
      faults.push(unknownName(label, '', name))
      return []
    }
    const text = textOf(value)
    if (text === undefined) faults.push(`${label}: expected one value or a list of them, came ${JSON.stringify(value)}`)
    return text === undefined || text === '' ? [] : [[name, { text, source: 'file', label }]]
  })
}

function keysOf(
  file: { readonly path: string; readonly text: string },
  faults: string[],
): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = parse(file.text) ?? {}
    if (typeof content === 'object' && !Array.isArray(content)) return { ...content }
    faults.push(`${file.path}: expected lines such as DATA_DIR: ./data, came ${JSON.stringify(content).slice(0, 60)}`)
  } catch (error) {
    faults.push(`${file.path}: expected YAML, came what can't be read as such: ${firstLine(error)}`)
  }
  return {}
}

function textOf(value: unknown): string | undefined {
  if (value === null) return ''
  if (Array.isArray(value)) return value.every(isScalar) ? value.join(',') : undefined
  return isScalar(value) ? String(value) : undefined
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function readValue(declared: AnySetting, given: Given | undefined, faults: string[]): unknown {
  const text = given?.text ?? declared.preset
  if (text === null) return undefined
  const parsed = declared.kind.schema.safeParse(text)
  if (parsed.success) return parsed.data
  const came = declared.secret ? 'something else' : `'${withoutPassword(text)}'`
  const way = declared.preset === null ? 'unset it' : `unset it for the default ${declared.preset}`
  faults.push(`${given?.label ?? declared.name}: expected ${declared.kind.expected}, came ${came}; mend it, or ${way}`)
  return undefined
}

function rowOf(declared: AnySetting, given: Given | undefined): SettingRow {
  const text = given?.text ?? declared.preset ?? ''
  return {
    name: declared.name,
    value: declared.secret && text !== '' ? '********' : withoutPassword(text),
    source: given?.source ?? (declared.preset === null ? 'not set' : 'default'),
    default: declared.preset ?? '',
    sentence: declared.sentence,
  }
}

/** Also of a URL that is none: up to its last `@`. */
function withoutPassword(text: string): string {
  return text.replace(/:\/\/.*@/, '://********@')
}

function unknownName(label: string, prefix: string, name: string): string {
  const near = nearest(name, NAMES)
  const hint = near === undefined ? "see 'tidemark settings' for all names" : `did you mean ${prefix}${near}?`
  return `${label}: no such setting; ${hint}`
}

/** The candidate with the fewest edits, where that is less than half of its length. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: editDistance(word.toUpperCase(), candidate.toUpperCase()) }))
    .sort((x, y) => x.edits - y.edits)
  const best = ranked[0]
  return best !== undefined && best.edits <= best.candidate.length / 2 ? best.candidate : undefined
}

function editDistance(x: string, y: string): number {
  let row = Array.from({ length: y.length + 1 }, (_, j) => j)
  for (let i = 1; i <= x.length; i++) {
    const next = [i]
    for (let j = 1; j <= y.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (x[i - 1] === y[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
