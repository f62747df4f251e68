/** `tidemark completion`: what a shell needs to complete commands, options and their choices, made of the declarations. */

import type { Command, Option } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** One command with the words before it, `''` for the program itself. */
interface Place {
  readonly path: string
  readonly commands: readonly Command[]
  readonly options: readonly Option[]
}

export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program)
  if (shell === 'fish') return fishScript(program, places)
  // zsh runs what bash runs.
  const bash = bashScript(places)
  return shell === 'bash' ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`
}

function placesOf(command: Command, path = '', inherited: readonly Option[] = []): readonly Place[] {
  const options = [...command.options, ...inherited].filter(({ hidden }) => !hidden)
  const own = { path, commands: command.commands, options }
  const global = path === '' ? command.options.filter(({ long }) => long !== '--version') : inherited
  return [own, ...command.commands.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim(), global))]
}

function bashScript(places: readonly Place[]): string {
  const words = places.map(({ path, commands, options }) => {
    const all = [...commands.map((each) => each.name()), ...longOf(options), '--help']
    return `    '${path}') words='${all.join(' ')}' ;;`
  })
  const choices = places.flatMap(({ path, options }) =>
    options.flatMap(({ long, argChoices }) =>
      argChoices === undefined ? [] : [`    '${path} ${long}') words='${argChoices.join(' ')}' ;;`],
    ),
  )
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`)
  return `_tidemark() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}" path='' words='' word next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    case "$next" in
      ${paths.join(' | ')}) path="$next" ;;
    esac
  done
  case "$path $prev" in
${choices.join('\n')}
  esac
  [[ -n $words ]] || case "$path" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _tidemark tidemark
`
}

function fishScript(program: Command, places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const words = path.split(' ').filter((word) => word !== '')
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`)
    const [inside, deeper] = [seen.join('; and '), commands.map((each) => each.name())]
    const isHere =
      deeper.length === 0
        ? inside
        : [inside, `not __fish_seen_subcommand_from ${deeper.join(' ')}`].filter((each) => each !== '').join('; and ')
    return [
      ...commands.map(
        (each) => `complete -c tidemark -f -n ${quoted(isHere)} -a ${each.name()} -d ${quoted(each.description())}`,
      ),
      ...options.map((each) => fishOption(each, inside)),
    ]
  })
  return `# ${program.name()}\n${lines.join('\n')}\n`
}

function fishOption({ long, description, argChoices, required }: Option, inside: string): string {
  const when = inside === '' ? '' : ` -n ${quoted(inside)}`
  const value = argChoices !== undefined ? ` -x -a ${quoted(argChoices.join(' '))}` : required ? ' -r' : ''
  return `complete -c tidemark${when} -l ${(long ?? '').slice(2)}${value} -d ${quoted(description)}`
}

function longOf(options: readonly Option[]): readonly string[] {
  return options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long]))
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
