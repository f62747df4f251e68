/** Calls that would let time, chance, machine or carelessness in by a back door. */

import { type Complaint, lineOf, type Node, nameOf, nodesIn, type Source, walk } from './source.ts'

/** Where the real clock, the real chance and the environment are at home. */
const OUTSIDE = /^(infra\/|services\/main(\.ts$|\/)|test\/|bin\/|[^/]*\.config\.ts$)/
const BANNED_NAMES: Readonly<Record<string, string>> = {
  Date: 'take a Clock; dates without a clock are in schemas/time.ts',
  performance: 'take a Clock',
  setTimeout: 'take a Clock and sleep with its signal',
  setInterval: 'take a Clock and sleep with its signal',
  setImmediate: 'take a Clock and sleep with its signal',
  randomUUID: 'take a Random',
}
const BANNED_MEMBERS: Readonly<Record<string, string>> = {
  'Math.random': 'take a Random',
  'process.env': 'take a setting',
  'crypto.randomUUID': 'take a Random',
}
const BANNED_MODULES = /^node:(timers|timers\/promises|perf_hooks)$/

export function timeAndChanceComplaints(source: Source): readonly Complaint[] {
  if (OUTSIDE.test(source.path)) return []
  const found = source.imports
    .filter(({ target }) => BANNED_MODULES.test(target))
    .map(({ target, line }) => `${source.path}:${line}: ${target} is for infra/ and main.ts only; take a Clock`)
  walk(source.program, (node, parent) => {
    const banned = bannedName(node, parent) ?? bannedMember(node)
    if (banned !== undefined)
      found.push(complaint(source, node, `${banned[0]} is for infra/ and main.ts only; ${banned[1]}`))
  })
  return found
}

export function bareErrorComplaints(source: Source): readonly Complaint[] {
  if (source.path.startsWith('test/')) return []
  return matching(source, isBareError, 'a bare Error says nothing to branch on; throw a TidemarkError of the table')
}

export function anyComplaints(source: Source): readonly Complaint[] {
  return matching(
    source,
    ({ type }) => type === 'TSAnyKeyword',
    "'any' switches the types off; say what it is, or unknown",
  )
}

export function defaultExportComplaints(source: Source): readonly Complaint[] {
  if (source.path.endsWith('.config.ts')) return []
  return matching(source, isDefaultExport, 'a default export has no name to look for; export it by name')
}

function isBareError(node: Node): boolean {
  return (node.type === 'NewExpression' || node.type === 'CallExpression') && nameOf(node.callee) === 'Error'
}

function isDefaultExport(node: Node): boolean {
  if (node.type === 'ExportDefaultDeclaration') return true
  return (
    node.type === 'ExportNamedDeclaration' && nodesIn(node.specifiers).some((it) => nameOf(it.exported) === 'default')
  )
}

function matching(source: Source, test: (node: Node) => boolean, sentence: string): readonly Complaint[] {
  const found: Complaint[] = []
  walk(source.program, (node) => {
    if (test(node)) found.push(complaint(source, node, sentence))
  })
  return found
}

function bannedName(node: Node, parent: Node | undefined): readonly [string, string] | undefined {
  const name = nameOf(node)
  if (name === undefined || !Object.hasOwn(BANNED_NAMES, name) || isOnlyAName(node, parent)) return undefined
  return [name, BANNED_NAMES[name] ?? '']
}

/** `x.Date` and `{ Date: 1 }` are names of something else. */
function isOnlyAName(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined || parent.computed === true || parent.shorthand === true) return false
  return parent.property === node || (parent.key === node && parent.value !== node)
}

function bannedMember(node: Node): readonly [string, string] | undefined {
  if (node.type !== 'MemberExpression') return undefined
  const computed = node.computed === true ? nodesIn(node.property)[0]?.value : nameOf(node.property)
  const member = `${nameOf(node.object)}.${computed}`
  return Object.hasOwn(BANNED_MEMBERS, member) ? [member, BANNED_MEMBERS[member] ?? ''] : undefined
}

function complaint(source: Source, node: Node, sentence: string): Complaint {
  return `${source.path}:${lineOf(source.text, node.start)}: ${sentence}`
}
