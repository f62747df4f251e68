/** Declares the commands that run in the process they were typed in: up, generate, import, settings, clear, completion. */

import { Argument, Option } from 'commander'
import { AS_JSON, type Declaring, ending } from './cli-declaring.ts'
import { collected, durationMs, httpUrl, name, port, ratePerS, time, wholeNumber } from './cli-values.ts'
import type { UpOptions } from './command-set.ts'
import { completionScript, SHELLS, type Shell } from './completion.ts'
import type { GenerateOptions } from './generate.ts'
import type { ImportOptions } from './import.ts'

const DOOR = 'Address of the door; without it, that of the running process or the settings.'

export function declareLocalCommands(declaring: Declaring): void {
  declareUp(declaring)
  declareGenerate(declaring)
  declareImport(declaring)
  declareSettings(declaring)
  declareClear(declaring)
  declareCompletion(declaring)
}

function declareUp({ program, deps, given, here }: Declaring): void {
  program
    .command('up')
    .description(
      'Runs all services in one process, with the gateway local behind the doors and, for a look, two demo gateways.',
    )
    .option('--port <n>', 'Port of page, doors and API, in place of HTTP_PORT; 0 takes a free one.', port)
    .option('--no-demo', 'Leaves out the demo gateways.')
    .option('--for <duration>', 'Ends by itself after that time, such as 30s, 15m or 12h.', durationMs)
    .addHelpText(
      'after',
      ending({
        examples: ['up', 'up --no-demo --port 9000', 'up --data /var/lib/tidemark --for 30s'],
        exits: { 0: 'it was asked to end, or its time was over', 1: 'it could not start, or not go on' },
      }),
    )
    .action(({ for: forMs, ...options }: Omit<UpOptions, 'forMs'> & { for?: number }) =>
      here(() => deps.local.up(given(), { ...options, ...(forMs === undefined ? {} : { forMs }) })),
    )
}

function declareGenerate({ program, deps, given, here }: Declaring): void {
  program
    .command('generate')
    .description('Sends seeded sensor data through a door, for trials: the same seed gives the same data.')
    .option('--gateways <n>', 'How many gateways, called gateway-1 and so on. (default: 1)', wholeNumber)
    .option('--gateway <id>', 'The one gateway to send through; without it, the one behind the door.', name)
    .option('--sensors <n>', 'How many sensors each has, beside two ramps. (default: 10)', wholeNumber)
    .option('--rate <r/s>', 'Readings a second, such as 500/s; without it, as fast as they are taken.', ratePerS)
    .option('--count <n>', 'Ends after so many readings. (default: 10000; with a rate, never)', wholeNumber)
    .option('--seed <s>', 'The same number gives the same data. (default: 1)', wholeNumber)
    .option('--start <time>', 'Time of the first reading. (default: 2024-01-01T00:00:00Z; with a rate, now)', time)
    .option('--url <url>', DOOR, httpUrl)
    .addHelpText(
      'after',
      ending({
        examples: ['generate --count 100000', 'generate --gateways 3 --sensors 20 --rate 500/s --seed 7'],
        exits: { 0: 'every reading was taken, or was there already', 1: 'one was refused, or it failed' },
      }),
    )
    .action(({ rate, ...options }: Omit<GenerateOptions, 'ratePerS' | 'url'> & { url?: string; rate?: number }) =>
      here(() => deps.local.generate(given(), { ...options, ...(rate === undefined ? {} : { ratePerS: rate }) })),
    )
}

function declareImport({ program, deps, given, here }: Declaring): void {
  program
    .command('import')
    .description('Sends files (CSV, NDJSON, line protocol, also .gz) through a door; a second run adds nothing.')
    .argument('<file...>', 'The files, in this order.')
    .option('--type <t>', 'Message type of the readings, where the file names none.', name)
    .addOption(new Option('--sensor <name>', 'The sensor they are from.').argParser(name).conflicts('sensorColumn'))
    .option('--sensor-column <col>', 'The column that names the sensor.')
    .option('--gateway <id>', 'The gateway to send through; without it, the one behind the door.', name)
    .option('--time-column <col>', 'The column of the time; without it, guessed and said.')
    .option('--tz <zone>', 'Zone of times without one, such as Europe/Berlin or +01:00. (default: UTC)')
    .addOption(new Option('--date-order <order>', 'Order of dates such as 03/04/2026.').choices(['mdy', 'dmy']))
    .option('--label-column <col>', 'A column that is a label; may be repeated.', collected)
    .option('--skip-column <col>', 'A column to leave out; may be repeated.', collected)
    .addOption(
      new Option('--format <format>', 'Format of the files; without it, by name and content.').choices([
        'csv',
        'ndjson',
        'lp',
      ]),
    )
    .addOption(
      new Option('--precision <unit>', 'Unit of times in line protocol; without it, ns.').choices([
        'ns',
        'us',
        'ms',
        's',
      ]),
    )
    .option('--url <url>', DOOR, httpUrl)
    .addHelpText(
      'after',
      ending({
        examples: [
          'import hourly.csv --type temperature --sensor roof',
          'import log.gz --type weather --sensor-column site --tz Europe/Berlin',
        ],
        exits: { 0: 'every row was taken, or was there already', 1: 'a row was refused, or it failed' },
      }),
    )
    .action((files: readonly string[], { labelColumn, skipColumn, ...options }: ImportWords) =>
      here(() =>
        deps.local.import(given(), {
          files,
          ...options,
          ...(labelColumn === undefined ? {} : { labelColumns: labelColumn }),
          ...(skipColumn === undefined ? {} : { skipColumns: skipColumn }),
        }),
      ),
    )
}

/** As commander names them. */
type ImportWords = Partial<Omit<ImportOptions, 'files' | 'labelColumns' | 'skipColumns'>> & {
  readonly labelColumn?: readonly string[]
  readonly skipColumn?: readonly string[]
}

function declareSettings({ program, deps, given, here }: Declaring): void {
  program
    .command('settings')
    .description('Shows every setting with its value, where that came from, and the default; secrets are masked.')
    .option(...AS_JSON)
    .addHelpText('after', ending({ examples: ['settings', 'settings --config tidemark.yaml --json'] }))
    .action((options: { json?: boolean }) => here(() => deps.local.settings(given(), options)))
}

function declareClear({ program, deps, given, here }: Declaring): void {
  program
    .command('clear')
    .description('Empties journal, log, offsets, ledger and stores of a trial installation.')
    .option('--yes', 'Deletes it all; without it, nothing is touched.')
    .option('--host <name>', 'HTTP_HOST of the settings, to be named where that is not loopback.')
    .addHelpText('after', ending({ examples: ['clear --yes', 'clear --yes --host 10.0.0.5'] }))
    .action((options: { yes?: boolean; host?: string }) => here(() => deps.local.clear(given(), options)))
}

function declareCompletion({ program, deps, here }: Declaring): void {
  program
    .command('completion')
    .description('Prints what a shell needs to complete the words of this command, for a tidemark on its PATH.')
    .addArgument(new Argument('<shell>', 'The shell.').choices(SHELLS))
    .addHelpText(
      'after',
      ending({
        examples: [
          'completion bash > ~/.local/share/bash-completion/completions/tidemark',
          'completion fish > ~/.config/fish/completions/tidemark.fish',
        ],
      }),
    )
    .action((shell: Shell) =>
      here(async () => {
        await deps.out(completionScript(shell, program))
        return 0
      }),
    )
}
