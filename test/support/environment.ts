/** Settings as the environment variables of a process. */

export type Environment = Readonly<Record<string, string>>

/** Later ones win. */
export function environmentOf(...settings: readonly Readonly<Record<string, string>>[]): Environment {
  const all: Readonly<Record<string, string>> = Object.assign({}, ...settings)
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [`TIDEMARK_${name}`, value]))
}

/** To reach these engines, and what else is set. */
export function environmentOn(
  engines: readonly { readonly settings: Readonly<Record<string, string>> }[],
  more: Readonly<Record<string, string>>,
): Environment {
  return environmentOf(...engines.map(({ settings }) => settings), more)
}
