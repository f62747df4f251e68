/** The files of the repository as the house rules see them: text, syntax tree and imports. */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'

/** ESTree, reduced to what the rules look at. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

export interface Import {
  /** A path from the root of the repository, `node:…`, or a package's name without what follows it. */
  readonly target: string
  readonly typeOnly: boolean
  readonly line: number
}

export interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly program: Node
  readonly imports: readonly Import[]
}

/** What a rule found: `path:line` and a sentence that says what to do. */
export type Complaint = string

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..')

const CODE = /\.(ts|js|mjs)$/

/** Everything git tracks or would add: `node_modules` and `dist` are not among it. */
export function repositoryFiles(): readonly { readonly path: string; readonly text: string }[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
  return [...new Set(listed.toString().split('\0'))]
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
}

export function isCode(path: string): boolean {
  return CODE.test(path)
}

/** Throws with the parser's words where the text is not TypeScript. */
export function parseSource(path: string, text: string): Source {
  const { program, errors } = parseSync(path, text, { lang: 'ts', sourceType: 'module' })
  const fault = errors[0]
  if (fault !== undefined) throw new SyntaxError(`${path}: ${fault.message}`)
  const root = program as unknown as Node
  return { path, text, program: root, imports: importsOf(path, text, root) }
}

export function lineOf(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

export function childrenOf(node: Node): readonly Node[] {
  return Object.entries(node).flatMap(([key, value]) => (key === 'parent' ? [] : nodesIn(value)))
}

/** The node and everything below it, parents first. `visit` gets the parent too. */
export function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  visit(node, parent)
  for (const child of childrenOf(node)) walk(child, visit, node)
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

/** The name of an identifier, or `undefined` for anything else. */
export function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Identifier' && typeof value.name === 'string' ? value.name : undefined
}

export function nodesIn(value: unknown): readonly Node[] {
  if (Array.isArray(value)) return value.filter(isNode)
  return isNode(value) ? [value] : []
}

function importsOf(path: string, text: string, program: Node): readonly Import[] {
  const found: Import[] = []
  walk(program, (node) => {
    const named = node.type === 'TSImportType' ? (node.argument ?? node.source) : node.source
    const specifier = isNode(named) && named.type === 'Literal' ? named.value : undefined
    if (typeof specifier !== 'string') return
    found.push({ target: targetOf(path, specifier), typeOnly: isTypeOnly(node), line: lineOf(text, node.start) })
  })
  return found
}

function isTypeOnly(node: Node): boolean {
  if (node.type === 'TSImportType' || node.importKind === 'type' || node.exportKind === 'type') return true
  const specifiers = nodesIn(node.specifiers)
  return (
    specifiers.length > 0 &&
    specifiers.every((specifier) => specifier.importKind === 'type' || specifier.exportKind === 'type')
  )
}

function targetOf(path: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(path), specifier))
  if (specifier.startsWith('node:')) return specifier
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}
