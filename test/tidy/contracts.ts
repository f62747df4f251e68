/** Every adapter of a port runs the port's contract suite: finds the adapters by their types and looks for the call. */

import { type Complaint, lineOf, type Node, nameOf, nodesIn, type Source, walk } from './source.ts'

const ADAPTERS = /^infra\/([^/]+\/.*|system)\.ts$/
const PORTS = /^services\/ports\/([a-z-]+)\.ts$/
/** Ports that don't bear the name of a file in `services/ports`. */
const MORE_PORTS = ['Random', 'Kv']

interface Adapter {
  readonly name: string
  readonly port: string
  readonly path: string
  readonly line: number
}

export function contractComplaints(sources: readonly Source[]): readonly Complaint[] {
  const ports = portNames(sources)
  const tests = sources.filter(({ path }) => path.startsWith('test/') && path.endsWith('.test.ts'))
  return sources
    .filter(({ path }) => ADAPTERS.test(path))
    .flatMap((source) => adaptersIn(source, ports))
    .filter(({ name, port }) => !tests.some((test) => runsContract(test, name, contractName(port))))
    .map(
      ({ name, port, path, line }) =>
        `${path}:${line}: no test gives ${name} to ${contractName(port)} (test/contract/${kebab(port)}.ts)`,
    )
}

function portNames(sources: readonly Source[]): ReadonlySet<string> {
  const named = sources.flatMap(({ path }) => PORTS.exec(path)?.[1] ?? [])
  return new Set([...named.map(pascal), ...MORE_PORTS])
}

/** Exported functions that return a port (or a promise of one), classes that implement one, constants that are one. */
function adaptersIn({ path, text, program }: Source, ports: ReadonlySet<string>): readonly Adapter[] {
  const widened = widenedPorts(program, ports)
  return nodesIn(program.body).flatMap((statement) =>
    nodesIn(statement.declaration).flatMap((declaration) =>
      exportedTypes(declaration).flatMap(([name, types]) => {
        const port = types.map((type) => widened.get(type)).find((found) => found !== undefined)
        return port === undefined ? [] : [{ name, port, path, line: lineOf(text, statement.start) }]
      }),
    ),
  )
}

/** Port by type name: the ports themselves and the file's interfaces that extend one. */
function widenedPorts(program: Node, ports: ReadonlySet<string>): ReadonlyMap<string, string> {
  const widened = new Map([...ports].map((port) => [port, port]))
  walk(program, (node) => {
    if (node.type !== 'TSInterfaceDeclaration') return
    const base = nodesIn(node.extends)
      .map((it) => nameOf(it.expression))
      .find((name) => name !== undefined && ports.has(name))
    const name = nameOf(node.id)
    // The file that declares the port itself extends nothing that is one.
    if (base !== undefined && name !== undefined && !ports.has(name)) widened.set(name, base)
  })
  return widened
}

function exportedTypes(declaration: Node): readonly (readonly [string, readonly string[]])[] {
  const name = nameOf(declaration.id)
  if (declaration.type === 'FunctionDeclaration' && name !== undefined)
    return [[name, typeNames(declaration.returnType)]]
  if (declaration.type === 'ClassDeclaration' && name !== undefined) {
    return [[name, nodesIn(declaration.implements).flatMap((it) => nameOf(it.expression) ?? [])]]
  }
  return nodesIn(declaration.declarations).flatMap((declarator) => {
    const declared = nameOf(declarator.id)
    const annotated = nodesIn(declarator.id)[0]?.typeAnnotation
    const made = nodesIn(declarator.init)[0]?.returnType
    return declared === undefined ? [] : [[declared, [...typeNames(annotated), ...typeNames(made)]] as const]
  })
}

/** `X` of `: X` and `: Promise<X>`; nothing of `: readonly X[]` or `: { log: X }`. */
function typeNames(annotation: unknown): readonly string[] {
  const type = nodesIn(annotation).flatMap((it) =>
    it.type === 'TSTypeAnnotation' ? nodesIn(it.typeAnnotation) : [it],
  )[0]
  if (type?.type === 'TSIntersectionType') return nodesIn(type.types).flatMap(typeNames)
  if (type?.type !== 'TSTypeReference') return []
  const name = nameOf(type.typeName)
  if (name !== 'Promise') return name === undefined ? [] : [name]
  return nodesIn(nodesIn(type.typeArguments)[0]?.params).flatMap(typeNames)
}

function runsContract({ program }: Source, adapter: string, contract: string): boolean {
  let called = false
  let mentioned = false
  walk(program, (node, parent) => {
    if (node.type === 'CallExpression' && nameOf(node.callee) === contract) called = true
    if (nameOf(node) === adapter && parent?.type !== 'ImportSpecifier') mentioned = true
  })
  return called && mentioned
}

function contractName(port: string): string {
  return `${port.slice(0, 1).toLowerCase()}${port.slice(1)}Contract`
}

function pascal(kebabCase: string): string {
  return kebabCase
    .split('-')
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join('')
}

function kebab(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
}
