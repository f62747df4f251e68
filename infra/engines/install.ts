/** Installs engines into a cache outside the clone: built in a temporary folder, checked, then renamed into place, so that half an install never counts. */

import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TidemarkError } from '../../services/core/errors.ts'
import type { EngineRecipe, Tool } from './recipe.ts'
import { runTool } from './tool-run.ts'

export interface InstallOptions {
  readonly signal: AbortSignal
  /** Progress, one line a call. */
  say(line: string): void
}

/** `TIDEMARK_ENGINES_DIR`, else below the user's cache folder. */
export function enginesDir(): string {
  const { TIDEMARK_ENGINES_DIR: own, XDG_CACHE_HOME: cache } = process.env
  if (own !== undefined && own !== '') return own
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'tidemark', 'engines')
}

/** Its name holds the version and a digest of the recipe: another recipe is another installation. */
export function installedDir({ name, version }: EngineRecipe): string {
  return join(enginesDir(), `${name}-${version}-${recipeDigest(name)}`)
}

export function isInstalled(recipe: EngineRecipe): boolean {
  return existsSync(installedDir(recipe))
}

/** Throws `engine-missing` with the command that installs it, or with the tool it can't run without. */
export function assertInstalled(recipe: EngineRecipe): void {
  if (!isInstalled(recipe)) {
    throw new TidemarkError(
      'engine-missing',
      `expected ${recipe.title} ${recipe.version} in ${enginesDir()}, came nothing; run 'npm run engines -- install ${recipe.name}' (${recipe.takes})`,
    )
  }
  assertTools(recipe, recipe.runTools, 'run')
}

/** Does nothing for an engine that is installed already. */
export async function installEngine(recipe: EngineRecipe, { signal, say }: InstallOptions): Promise<void> {
  const title = `${recipe.title} ${recipe.version}`
  const target = installedDir(recipe)
  if (existsSync(target)) return say(`${recipe.name}: ${title} is installed`)
  assertTools(recipe, [...recipe.installTools, ...recipe.runTools], 'install')
  say(`${recipe.name}: installs ${title}, ${recipe.takes} when nothing is cached`)
  await mkdir(enginesDir(), { recursive: true })
  clearInterrupted()
  const work = await mkdtemp(join(enginesDir(), `${WORK_PREFIX}${process.pid}-`))
  const recipeDir = recipeDirOf(recipe.name)
  try {
    const dir = join(work, 'engine')
    await mkdir(dir)
    await recipe.install({
      dir,
      recipeDir,
      run: (what, command, args, options = {}) =>
        runTool({ ...options, name: recipe.name, what, command, args, nice: NICE, signal, say }),
      verify: (files) => verifyFiles(recipe, files, join(recipeDir, 'files.sha256')),
    })
    await rename(dir, target).catch((error: unknown) => {
      // Another install of the same was faster.
      if (!existsSync(target)) throw error
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  say(`${recipe.name}: ${title} is installed in ${target}`)
}

const NICE = 10
const WORK_PREFIX = '.installing-'

/** Removes the folders of installs whose process is gone. */
function clearInterrupted(): void {
  for (const entry of readdirSync(enginesDir())) {
    const pid = entry.startsWith(WORK_PREFIX) ? Number(entry.slice(WORK_PREFIX.length).split('-')[0]) : undefined
    if (pid !== undefined && !isAlive(pid)) rmSync(join(enginesDir(), entry), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The folder of the recipe in the package, from the sources as from `dist/`. */
function recipeDirOf(name: EngineRecipe['name'], from = dirname(fileURLToPath(import.meta.url))): string {
  const here = join(from, 'infra', 'engines', 'recipes', name)
  return existsSync(here) ? here : recipeDirOf(name, dirname(from))
}

function recipeDigest(name: EngineRecipe['name']): string {
  const dir = recipeDirOf(name)
  const hash = createHash('sha256')
  for (const file of readdirSync(dir).toSorted()) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(dir, file)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 8)
}

function assertTools(recipe: EngineRecipe, tools: readonly Tool[], verb: 'install' | 'run'): void {
  const missing = [...new Set(tools)].filter(({ command }) => !isOnPath(command))
  if (missing.length === 0) return
  const named = missing.map(({ command, title }) => `${title} ('${command}' on the PATH)`).join(' and ')
  throw new TidemarkError(
    'engine-missing',
    `to ${verb} ${recipe.title} ${recipe.version}, expected ${named}, came none; install it to use ${recipe.name}, everything else goes on without`,
  )
}

function isOnPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, command), constants.X_OK)
      return dir !== ''
    } catch {
      return false
    }
  })
}

/** `sums` is in the form of `sha256sum`. */
async function verifyFiles(recipe: EngineRecipe, dir: string, sums: string): Promise<void> {
  const expected = new Map(
    (await readFile(sums, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => [line.slice(66), line.slice(0, 64)] as const),
  )
  const present = await readdir(dir)
  const wrong = [...expected.keys()].filter((file) => !present.includes(file)).map((file) => `${file} is missing`)
  for (const file of present) {
    const sum = createHash('sha256')
      .update(await readFile(join(dir, file)))
      .digest('hex')
    if (expected.get(file) !== sum) wrong.push(expected.has(file) ? `${file} has sha256 ${sum}` : `${file} is unknown`)
  }
  if (wrong.length === 0) return
  const shown = wrong.slice(0, 5).join('; ')
  throw new TidemarkError(
    'engine-changed',
    `${recipe.title} ${recipe.version}: ${shown}${wrong.length > 5 ? ` and ${wrong.length - 5} more` : ''}; nothing was installed; look where the files come from`,
  )
}
