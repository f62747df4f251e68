/** Dead files: what neither the program, nor a bench, nor (for the tests' own parts) a test ever loads. */

import type { Complaint, Source } from './source.ts'

const PROGRAM =
  /^(services\/main|infra\/engines|infra\/page\/main|test\/bench\/[^/]+|test\/sim\/sim|test\/e2e\/e2e|test\/faults\/(faults|soak)|test\/mutants\/(catch|mutants))\.ts$/
const TESTS = /^(test\/.*\.test\.ts|test\/mutants\/[^/]+\.ts|[^/]*\.config\.ts)$/

/** A source file must be reachable from the program; a file under `test/` from a test or a bench. */
export function deadFileComplaints(sources: readonly Source[]): readonly Complaint[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const paths = [...byPath.keys()]
  const used = reachable(
    byPath,
    paths.filter((path) => PROGRAM.test(path)),
  )
  const tested = reachable(
    byPath,
    paths.filter((path) => PROGRAM.test(path) || TESTS.test(path)),
  )
  return paths
    .filter((path) => !path.startsWith('bin/'))
    .filter((path) => !(path.startsWith('test/') || path.endsWith('.config.ts') ? tested : used).has(path))
    .map((path) => `${path}:1: nothing loads it from services/main.ts, a bench or a test; use it or remove it`)
}

function reachable(byPath: ReadonlyMap<string, Source>, entries: readonly string[]): ReadonlySet<string> {
  const seen = new Set(entries)
  // A Set visits what is added while it is walked.
  for (const path of seen) {
    for (const { target } of byPath.get(path)?.imports ?? []) if (byPath.has(target)) seen.add(target)
  }
  return seen
}
