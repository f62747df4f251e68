/** `npm run engines`: installs the real engines into the cache, runs them in the background, says where they are, and ends them. */

import { Argument, Command, CommanderError } from 'commander'
import { TidemarkError } from '../services/core/errors.ts'
import { type BackgroundEngine, backgroundEngine, rememberEngine, stopBackgroundEngine } from './engines/background.ts'
import type { EngineProcess, StartOptions } from './engines/engine-process.ts'
import { enginesDir, installEngine, isInstalled } from './engines/install.ts'
import { ENGINE_NAMES, type EngineName, type EngineRecipe, PROGRAM_NAMES, type ProgramName } from './engines/recipe.ts'
import { TELEGRAF } from './engines/telegraf.ts'
import { INFLUXDB, startInfluxdb } from './influxdb/launcher.ts'
import { KAFKA, startKafka } from './kafka/launcher.ts'
import { MONGODB, startMongodb } from './mongodb/launcher.ts'
import { REGISTRY, startRegistry } from './registry/launcher.ts'

interface Launcher {
  readonly recipe: EngineRecipe
  readonly start: (options: StartOptions) => Promise<EngineProcess>
}

const LAUNCHERS: Readonly<Record<EngineName, Launcher>> = {
  kafka: { recipe: KAFKA, start: startKafka },
  mongodb: { recipe: MONGODB, start: startMongodb },
  influxdb: { recipe: INFLUXDB, start: startInfluxdb },
  registry: { recipe: REGISTRY, start: startRegistry },
}

const PROGRAMS: Readonly<Record<ProgramName, EngineRecipe>> = { telegraf: TELEGRAF }

const say = (line: string): void => void process.stderr.write(`${line}\n`)
const out = (line: string): void => void process.stdout.write(`${line}\n`)

/** All that were named are tried; throws what the first of those that failed said, after the others. */
async function install(names: readonly EngineRecipe['name'][], signal: AbortSignal): Promise<void> {
  const failures: unknown[] = []
  const known = [...Object.values(LAUNCHERS).map(({ recipe }) => recipe), ...Object.values(PROGRAMS)]
  for (const recipe of known.filter(({ name }) => names.length === 0 || names.includes(name))) {
    await installEngine(recipe, { signal, say }).catch((error: unknown) => failures.push(error))
    signal.throwIfAborted()
  }
  for (const failure of failures.slice(1)) say(`error: ${messageOf(failure)}`)
  if (failures.length > 0) throw failures[0]
}

/** Without names: all that are installed. */
async function start(names: readonly EngineName[], signal: AbortSignal): Promise<void> {
  const chosen = names.length > 0 ? names : ENGINE_NAMES.filter((name) => isInstalled(LAUNCHERS[name].recipe))
  if (chosen.length === 0) {
    throw new TidemarkError('engine-missing', "expected an installed one, came none; run 'npm run engines -- install'")
  }
  const running: BackgroundEngine[] = []
  for (const name of chosen) running.push(await startOne(name, signal))
  for (const line of exportLines(running)) out(line)
}

async function startOne(name: EngineName, signal: AbortSignal): Promise<BackgroundEngine> {
  const found = backgroundEngine(name)
  if (found !== undefined) {
    say(`${name}: runs already, process ${found.pid}`)
    return found
  }
  const engine = await LAUNCHERS[name].start({ leaveRunning: true, signal })
  const { dir, logFile, settings, pid = 0 } = engine
  const entry = { pid, dir, logFile, settings }
  rememberEngine(name, entry)
  say(`${name}: runs, process ${pid}, data and log in ${dir}`)
  return entry
}

async function stop(names: readonly EngineName[]): Promise<void> {
  for (const name of orAll(names)) {
    const found = backgroundEngine(name)
    if (found !== undefined) await stopBackgroundEngine(name, found)
    say(found === undefined ? `${name}: does not run` : `${name}: ended, its data is removed`)
  }
}

function status(names: readonly EngineName[]): void {
  out(`installed below ${enginesDir()}`)
  const running: BackgroundEngine[] = []
  for (const name of orAll(names)) {
    const { recipe } = LAUNCHERS[name]
    const found = backgroundEngine(name)
    const installed = isInstalled(recipe) ? 'installed' : 'not installed'
    const runs = found === undefined ? 'does not run' : `process ${found.pid}, data and log in ${found.dir}`
    out(`${name}: ${recipe.title} ${recipe.version}, ${installed}, ${runs}`)
    if (found !== undefined) running.push(found)
  }
  for (const recipe of names.length === 0 ? Object.values(PROGRAMS) : []) {
    const { name, title, version } = recipe
    out(`${name}: ${title} ${version}, ${isInstalled(recipe) ? 'installed' : 'not installed'}`)
  }
  for (const line of exportLines(running)) out(line)
}

/** What a shell takes to use them all: one line a setting, stores of several engines in one list. */
function exportLines(engines: readonly BackgroundEngine[]): readonly string[] {
  const settings = new Map<string, string>()
  for (const [name, value] of engines.flatMap((engine) => Object.entries(engine.settings))) {
    const before = settings.get(name)
    settings.set(name, before === undefined ? value : `${before},${value}`)
  }
  return [...settings].map(([name, value]) => `export TIDEMARK_${name}=${value}`)
}

function orAll(names: readonly EngineName[]): readonly EngineName[] {
  return names.length > 0 ? names : ENGINE_NAMES
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function program(signal: AbortSignal): Command {
  const root = new Command('npm run engines --')
    .description('The real engines for tests and trials, without containers. Without names: all.')
    .exitOverride()
    .showHelpAfterError("See 'npm run engines -- --help'.")
  const engine = new Argument('[engine...]', 'which ones').choices(ENGINE_NAMES)
  root
    .command('install')
    .description('fetch and build what is not installed yet; telegraf is run by a test of the door')
    .addArgument(new Argument('[name...]', 'which ones').choices([...ENGINE_NAMES, ...PROGRAM_NAMES]))
    .action((names: EngineRecipe['name'][]) => install(names, signal))
  const verbs = {
    start: [
      'run them in the background on free ports, with new data; prints the settings to use them. Without names: the installed ones',
      (names: EngineName[]) => start(names, signal),
    ],
    stop: ['end those that run in the background and remove their data', stop],
    status: ['what is installed, what runs where, and the settings to use it', status],
  } as const
  for (const [verb, [about, work]] of Object.entries(verbs)) {
    root.command(verb).description(about).addArgument(engine).action(work)
  }
  return root
}

async function run(): Promise<number> {
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort(new TidemarkError('interrupted'))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    await program(interrupted.signal).parseAsync()
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    say(`error: ${messageOf(error)}`)
    return 1
  }
}

process.exitCode = await run()
