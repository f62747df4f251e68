/** Sizes, names and first lines of files: what makes a file easy to find and to hold in the head. */

import { type Complaint, childrenOf, lineOf, type Node, nameOf, nodesIn, type Source, walk } from './source.ts'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/
const EMPTY_WORDS = /(^|[-/.])(utils?|helpers?|common|managers?)(?=[-/.]|$)/
const EMPTY_ENDINGS = /(Utils?|Helpers?|Managers?)$/
const FUNCTIONS = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']

export function fileSizeComplaints({ path, text }: Source): readonly Complaint[] {
  const lines = text.trimEnd().split('\n').length
  return lines > FILE_LINES_MAX ? [`${path}:1: ${lines} lines, at most ${FILE_LINES_MAX}; split it by concern`] : []
}

/** Own lines: the lines of a function without those of the functions inside it. */
export function functionSizeComplaints({ path, text, program }: Source): readonly Complaint[] {
  const found: Complaint[] = []
  walk(program, (node) => {
    if (!FUNCTIONS.includes(node.type)) return
    const own = lineSpan(text, node) - nestedLines(text, node)
    if (own <= FUNCTION_LINES_MAX) return
    found.push(
      `${path}:${lineOf(text, node.start)}: ${own} own lines, at most ${FUNCTION_LINES_MAX}; it is two functions`,
    )
  })
  return found
}

export function fileNameComplaints({ path }: { readonly path: string }): readonly Complaint[] {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const found: Complaint[] = []
  if (!KEBAB.test(name)) found.push(`${path}:1: file names are kebab-case`)
  if (EMPTY_WORDS.test(path)) found.push(`${path}:1: the name says nothing; name it after what it does`)
  return found
}

export function exportNameComplaints({ path, text, program }: Source): readonly Complaint[] {
  return nodesIn(program.body).flatMap((statement) =>
    namesDeclaredIn(statement.declaration)
      .filter((name) => EMPTY_ENDINGS.test(name))
      .map((name) => `${path}:${lineOf(text, statement.start)}: '${name}' says nothing; name it after what it does`),
  )
}

/** A doc comment before anything else, with a sentence in it. */
export function firstLineComplaints({ path, text }: Source): readonly Complaint[] {
  if (path.endsWith('.config.ts')) return []
  const comment = /^(?:#!.*\n)?\/\*\*([\s\S]*?)\*\//.exec(text)?.[1]
  const said = (comment ?? '').replace(/\n \*/g, ' ').trim()
  if (said.split(/\s+/).length >= 3 && said.endsWith('.')) return []
  return [`${path}:1: the first line is a doc comment, one sentence that says what the file is for`]
}

function nestedLines(text: string, node: Node): number {
  return childrenOf(node).reduce(
    (sum, child) => sum + (FUNCTIONS.includes(child.type) ? lineSpan(text, child) - 1 : nestedLines(text, child)),
    0,
  )
}

function lineSpan(text: string, { start, end }: Node): number {
  return text.slice(start, end).split('\n').length
}

function namesDeclaredIn(declaration: unknown): readonly string[] {
  return nodesIn(declaration).flatMap((node) => [
    ...[nameOf(node.id)].filter((name) => name !== undefined),
    ...nodesIn(node.declarations).flatMap((declarator) => nameOf(declarator.id) ?? []),
  ])
}
