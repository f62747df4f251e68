/** Declares the commands that run in the process they were typed in: up, generate, import, settings, clear, completion. */

import { Argument, Option } from 'commander'
import { type Declaring, examples } from './cli-declaring.ts'
import { collected, durationMs, httpUrl, name, port, ratePerS, time, wholeNumber } from './cli-values.ts'
import type { UpOptions } from './command-set.ts'
import { completionScript, SHELLS, type Shell } from './completion.ts'
import type { GenerateOptions } from './generate.ts'
import type { ImportOptions } from './import.ts'

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
    .option('--port <n>', 'port of page, doors and API, in place of HTTP_PORT', port)
    .option('--no-demo', 'without the demo gateways')
    .option('--for <duration>', 'ends by itself after that time', durationMs)
    .addHelpText('after', examples('up', 'up --no-demo --port 9000', 'up --data /var/lib/tidemark --for 30s'))
    .action(({ for: forMs, ...options }: Omit<UpOptions, 'forMs'> & { for?: number }) =>
      here(() => deps.local.up(given(), { ...options, ...(forMs === undefined ? {} : { forMs }) })),
    )
}

function declareGenerate({ program, deps, given, here }: Declaring): void {
  program
    .command('generate')
    .description('Sends seeded sensor data through a door, for trials: the same seed gives the same data.')
    .option('--gateways <n>', 'how many gateways (default: 1)', wholeNumber)
    .option('--gateway <id>', 'the one gateway, by its id', name)
    .option('--sensors <n>', 'how many sensors each, beside two ramps (default: 10)', wholeNumber)
    .option('--rate <r/s>', 'readings a second; without it, as fast as they are taken', ratePerS)
    .option('--count <n>', 'so many readings (default: 10000 without a rate, else until stopped)', wholeNumber)
    .option('--seed <s>', 'what the data depends on (default: 1)', wholeNumber)
    .option('--start <time>', 'time of the first reading (default: now with a rate, else 2024)', time)
    .option('--url <url>', 'the door; without it, the one of the settings', httpUrl)
    .addHelpText(
      'after',
      examples('generate --count 100000', 'generate --gateways 3 --sensors 20 --rate 500/s --seed 7'),
    )
    .action(({ rate, ...options }: Omit<GenerateOptions, 'ratePerS' | 'url'> & { url?: string; rate?: number }) =>
      here(() => deps.local.generate(given(), { ...options, ...(rate === undefined ? {} : { ratePerS: rate }) })),
    )
}

function declareImport({ program, deps, given, here }: Declaring): void {
  program
    .command('import')
    .description('Sends files (CSV, NDJSON, line protocol, also .gz) through a door; a second run adds nothing.')
    .argument('<file...>', 'the files, in this order')
    .option('--type <t>', 'message type of the readings, where the file names none', name)
    .addOption(new Option('--sensor <name>', 'the sensor they are from').argParser(name).conflicts('sensorColumn'))
    .option('--sensor-column <col>', 'the column that names the sensor')
    .option('--gateway <id>', 'the gateway whose door it is', name)
    .option('--time-column <col>', 'the column of the time; without it, guessed and said')
    .option('--tz <zone>', 'zone of times without one (default: UTC)')
    .addOption(new Option('--date-order <order>', 'of dates such as 03/04/2026').choices(['mdy', 'dmy']))
    .option('--label-column <col>', 'a column that is a label (may be repeated)', collected)
    .option('--skip-column <col>', 'a column to leave out (may be repeated)', collected)
    .addOption(new Option('--format <format>', 'of the files, where it is not plain').choices(['csv', 'ndjson', 'lp']))
    .addOption(new Option('--precision <unit>', 'of line protocol (default: ns)').choices(['ns', 'us', 'ms', 's']))
    .option('--url <url>', 'the door; without it, the one of the settings', httpUrl)
    .addHelpText(
      'after',
      examples(
        'import hourly.csv --type temperature --sensor roof',
        'import log.csv.gz --type air_quality --sensor-column station --time-column at --tz Europe/Berlin',
      ),
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
    .option('--json', 'as one JSON document')
    .addHelpText('after', examples('settings', 'settings --config tidemark.yaml --json'))
    .action((options: { json?: boolean }) => here(() => deps.local.settings(given(), options)))
}

function declareClear({ program, deps, given, here }: Declaring): void {
  program
    .command('clear')
    .description('Empties journal, log, offsets, ledger and stores of a trial installation.')
    .option('--yes', 'delete it all; without it, nothing is touched')
    .option('--host <name>', 'HTTP_HOST of the settings, to be named where that is not loopback')
    .addHelpText('after', examples('clear --yes', 'clear --yes --host 10.0.0.5'))
    .action((options: { yes?: boolean; host?: string }) => here(() => deps.local.clear(given(), options)))
}

function declareCompletion({ program, deps, here }: Declaring): void {
  program
    .command('completion')
    .description('Prints what a shell needs to complete the words of this command, for a tidemark on its PATH.')
    .addArgument(new Argument('<shell>', 'which one').choices(SHELLS))
    .addHelpText('after', examples('completion bash > ~/.local/share/bash-completion/completions/tidemark'))
    .action((shell: Shell) =>
      here(async () => {
        await deps.out(completionScript(shell, program))
        return 0
      }),
    )
}
