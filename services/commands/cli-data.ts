/** Declares the commands about readings that need the data open, here or in the process that holds it. */

import { Argument, Option } from 'commander'
import { AS_JSON, type Declaring, ending, type Json } from './cli-declaring.ts'
import { day, durationMs, name, ranges, time, timeOrDay, timeOrEarliest } from './cli-values.ts'
import type { ExportOptions } from './export.ts'
import { runLink } from './link.ts'
import { type ReplayOptions, runReplay } from './replay.ts'

export function declareDataCommands(declaring: Declaring): void {
  declareLink(declaring)
  declareProof(declaring)
  declareVerify(declaring)
  declareRecover(declaring)
  declareWriteoff(declaring)
  declareReplay(declaring)
  declareExport(declaring)
}

function declareLink({ program, onData }: Declaring): void {
  program
    .command('link')
    .description("Cuts or restores the link of a gateway that runs in 'up'.")
    .addArgument(new Argument('<action>', 'What to do.').choices(['cut', 'restore']))
    .argument('<gateway>', 'Its id.', name)
    .option('--for <duration>', 'Restores it after that time, such as 30s or 15m.', durationMs)
    .addHelpText('after', ending({ examples: ['link cut demo-1 --for 30s', 'link restore demo-1'] }))
    .action((action: 'cut' | 'restore', gateway: string, options: { for?: number }) =>
      onData((context) => runLink(context, { action, gateway, forMs: options.for }), { needsRunning: true }),
    )
}

function declareProof({ program, deps, onData }: Declaring): void {
  program
    .command('proof')
    .description('Reports, per gateway and store, whether every accepted reading has landed.')
    .option('--gateway <id>', 'Only this one.', name)
    .option(...AS_JSON)
    .option(
      '--wait <duration>',
      'Waits so long, such as 60s, until everything accepted before the command has landed.',
      durationMs,
    )
    .addHelpText(
      'after',
      ending({
        examples: ['proof', 'proof --gateway local --json', 'proof --wait 60s'],
        exits: {
          0: 'complete: everything due has landed in every required store',
          1: 'open: something is missing or not known, or it failed',
          3: 'closed with exceptions: some are void, lost, in conflict or rejected',
        },
      }),
    )
    .action(({ wait, ...options }: Json & { gateway?: string; wait?: number }) =>
      onData((context) => deps.data.proof(context, { ...options, ...(wait === undefined ? {} : { waitMs: wait }) })),
    )
}

function declareVerify({ program, deps, onData }: Declaring): void {
  program
    .command('verify')
    .description(
      "Audits the stores: reads them back and compares them, day by day, with the gateways' manifests. What is not there is sent again.",
    )
    .option('--gateway <id>', 'Only this one.', name)
    .option('--from <day>', 'From this UTC day on, such as 2026-03-01; without it, from the first.', day)
    .option(...AS_JSON)
    .addHelpText(
      'after',
      ending({
        examples: ['verify', 'verify --gateway local --from 2026-03-01'],
        exits: { 0: 'equal', 1: 'a day differs, or it failed' },
      }),
    )
    .action((options: Json & { gateway?: string; from?: string }) =>
      onData((context) => deps.data.verify(context, options)),
    )
}

function declareRecover({ program, deps, onData }: Declaring): void {
  program
    .command('recover')
    .description('Asks a gateway by hand for a past window of time.')
    .argument('<gateway>', 'Its id.', name)
    .requiredOption('--from <time>', 'Begin of the window, included.', time)
    .requiredOption('--to <time>', 'End of the window, not included.', time)
    .addHelpText('after', ending({ examples: ['recover local --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z'] }))
    .action((gateway: string, options: { from: string; to: string }) =>
      onData((context) => deps.data.recover(context, { gateway, ...options })),
    )
}

function declareWriteoff({ program, deps, onData }: Declaring): void {
  program
    .command('writeoff')
    .description('Declares positions lost, with a reason; a fresh mark from the gateway makes them requestable again.')
    .argument('<gateway>', 'Its id.', name)
    .requiredOption('--epoch <e>', 'The life of its journal, as proof shows it.')
    .requiredOption(
      '--ranges <a-b,…>',
      'The positions; an open end, as in 501-, closes an epoch whose end is not known.',
      ranges,
    )
    .requiredOption('--reason <text>', 'Kept with the declaration.')
    .addHelpText(
      'after',
      ending({ examples: ['writeoff shed --epoch 00c0ffee00c0ffee --ranges 1-9,20- --reason fire'] }),
    )
    .action((gateway: string, options: { epoch: string; ranges: string; reason: string }) =>
      onData((context) => deps.data.writeoff(context, { gateway, ...options })),
    )
}

function declareReplay({ program, onData }: Declaring): void {
  program
    .command('replay')
    .description("Resets a store's consumer offsets, so that its sink writes again what the log still holds.")
    .requiredOption('--store <store>', 'The store, one of STORES.')
    .requiredOption('--to <earliest|time>', 'Where to go back to.', timeOrEarliest)
    .option('--wait <duration>', 'Waits so long, such as 10m, until the sink has read it all again.', durationMs)
    .addHelpText(
      'after',
      ending({
        examples: [
          'replay --store embedded --to earliest --wait 10m',
          'replay --store embedded --to 2026-03-01T00:00:00Z',
        ],
        exits: { 1: 'it failed, or was waited for and not over in time' },
      }),
    )
    .action(({ wait, ...options }: ReplayOptions & { wait?: number }) =>
      onData((context) => runReplay(context, { ...options, waitMs: wait })),
    )
}

function declareExport({ program, deps, onData }: Declaring): void {
  program
    .command('export')
    .description('Writes the readings of a store to standard output, exactly as they are held.')
    .requiredOption('--store <store>', 'The store, one of STORES.')
    .option('--gateway <id>', 'Only of this gateway.', name)
    .option('--type <t>', 'Only of this message type.', name)
    .option('--sensor <name>', 'Only of this sensor.', name)
    .option('--from <time>', 'From this time or UTC day on.', timeOrDay)
    .option('--to <time>', 'Before this time or UTC day.', timeOrDay)
    .addOption(new Option('--format <format>', 'Format of the output.').choices(['csv', 'ndjson', 'lp']).default('csv'))
    .addHelpText(
      'after',
      ending({
        examples: [
          'export --store embedded --type temperature > out.csv',
          'export --store embedded --format lp | gzip > all.lp.gz',
        ],
        exits: { 1: 'the format can not hold some of the readings, or it failed' },
      }),
    )
    .action((options: ExportOptions) => onData((context) => deps.data.export(context, options)))
}
