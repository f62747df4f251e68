/** What an engine's launcher says about how to install it: version, tools, steps. Its files stand in `recipes/NAME`. */

export const ENGINE_NAMES = ['kafka', 'mongodb', 'influxdb', 'registry'] as const
export type EngineName = (typeof ENGINE_NAMES)[number]
/** Programs that tests run; they are installed as engines are. */
export const PROGRAM_NAMES = ['telegraf'] as const
export type ProgramName = (typeof PROGRAM_NAMES)[number]

/** A program that has to be on the PATH. */
export interface Tool {
  readonly command: string
  /** What to install, in words. */
  readonly title: string
}

export interface EngineRecipe {
  readonly name: EngineName | ProgramName
  readonly title: string
  readonly version: string
  readonly installTools: readonly Tool[]
  readonly runTools: readonly Tool[]
  /** What a cold install takes on two slow cores, in words. */
  readonly takes: string
  install(workshop: Workshop): Promise<void>
}

/** Where an installation is made: a folder that becomes the installed engine when every step has succeeded. */
export interface Workshop {
  readonly dir: string
  /** The files of the recipe, read-only. */
  readonly recipeDir: string
  /** Runs a tool to its end, showing that it goes on; throws `engine-failed` with its last words. Resolves with its standard output. */
  run(what: string, command: string, args: readonly string[], options?: ToolOptions): Promise<string>
  /** Throws `engine-changed` where the files of `dir` are not exactly those of the recipe's `files.sha256`. */
  verify(dir: string): Promise<void>
}

export interface ToolOptions {
  readonly cwd?: string
  /** On top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>
}

export const JAVA: Tool = { command: 'java', title: 'Java 17 or newer' }
export const MAVEN: Tool = { command: 'mvn', title: 'Maven 3' }
export const GO: Tool = { command: 'go', title: 'Go 1.23 or newer' }
export const CARGO: Tool = { command: 'cargo', title: 'Rust (cargo and rustc)' }
