/** Declares the commands that need the data open, here or in the process that holds it. */

import { Argument, Option } from 'commander'
import { type Declaring, examples } from './cli-declaring.ts'
import { day, durationMs, name, ranges, time, timeOrDay, timeOrEarliest } from './cli-values.ts'
import { runDoctor } from './doctor.ts'
import type { ExportOptions } from './export.ts'
import { runLink } from './link.ts'
import {
  type QuarantineChoice,
  runQuarantineDiscard,
  runQuarantineList,
  runQuarantineRedrive,
  runQuarantineShow,
} from './quarantine.ts'
import { type ReplayOptions, runReplay } from './replay.ts'
import { runSchemasCheck, runSchemasList, runSchemasRegister } from './schemas.ts'
import { runStoresList, runStoresRenew } from './stores.ts'
import { runTopicsApply, runTopicsList } from './topics.ts'

interface Json {
  readonly json?: boolean
}

const AS_JSON = ['--json', 'as one JSON document'] as const

export function declareDataCommands(declaring: Declaring): void {
  declareLink(declaring)
  declareProof(declaring)
  declareVerify(declaring)
  declareRecover(declaring)
  declareWriteoff(declaring)
  declareStores(declaring)
  declareReplay(declaring)
  declareQuarantine(declaring)
  declareTopics(declaring)
  declareSchemas(declaring)
  declareExport(declaring)
  declareDoctor(declaring)
}

function declareLink({ program, onData }: Declaring): void {
  program
    .command('link')
    .description("Cuts or restores the link of a gateway that runs in 'up'.")
    .addArgument(new Argument('<action>', 'what to do').choices(['cut', 'restore']))
    .argument('<gateway>', 'its id', name)
    .option('--for <duration>', 'restores it after that time', durationMs)
    .addHelpText('after', examples('link cut demo-1 --for 30s', 'link restore demo-1'))
    .action((action: 'cut' | 'restore', gateway: string, options: { for?: number }) =>
      onData((context) => runLink(context, { action, gateway, forMs: options.for }), { needsRunning: true }),
    )
}

function declareProof({ program, deps, onData }: Declaring): void {
  program
    .command('proof')
    .description(
      'Reports, per gateway and store, whether every accepted reading has landed: 0 complete, 1 open, 3 closed.',
    )
    .option('--gateway <id>', 'only this one', name)
    .option(...AS_JSON)
    .option('--wait <duration>', 'waits so long for it to close, on a mark newer than the command', durationMs)
    .addHelpText('after', examples('proof', 'proof --gateway local --json', 'proof --wait 60s'))
    .action(({ wait, ...options }: Json & { gateway?: string; wait?: number }) =>
      onData((context) => deps.data.proof(context, { ...options, ...(wait === undefined ? {} : { waitMs: wait }) })),
    )
}

function declareVerify({ program, deps, onData }: Declaring): void {
  program
    .command('verify')
    .description("Audits the stores: reads them back and compares them, day by day, with the gateways' manifests.")
    .option('--gateway <id>', 'only this one', name)
    .option('--from <day>', 'from this UTC day on', day)
    .option(...AS_JSON)
    .addHelpText('after', examples('verify', 'verify --gateway local --from 2026-03-01'))
    .action((options: Json & { gateway?: string; from?: string }) =>
      onData((context) => deps.data.verify(context, options)),
    )
}

function declareRecover({ program, deps, onData }: Declaring): void {
  program
    .command('recover')
    .description('Asks a gateway by hand for a past window of time.')
    .argument('<gateway>', 'its id', name)
    .requiredOption('--from <time>', 'begin of the window, included', time)
    .requiredOption('--to <time>', 'end of the window, not included', time)
    .addHelpText('after', examples('recover local --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z'))
    .action((gateway: string, options: { from: string; to: string }) =>
      onData((context) => deps.data.recover(context, { gateway, ...options })),
    )
}

function declareWriteoff({ program, deps, onData }: Declaring): void {
  program
    .command('writeoff')
    .description('Declares positions lost, with a reason; a fresh mark from the gateway makes them requestable again.')
    .argument('<gateway>', 'its id', name)
    .requiredOption('--epoch <e>', 'the life of its journal, as proof shows it')
    .requiredOption(
      '--ranges <a-b,…>',
      'the positions; an open end, as in 501-, closes an epoch whose end is not known',
      ranges,
    )
    .requiredOption('--reason <text>', 'kept with the declaration')
    .addHelpText('after', examples('writeoff shed --epoch 00c0ffee00c0ffee --ranges 1-500,700 --reason "disk burnt"'))
    .action((gateway: string, options: { epoch: string; ranges: string; reason: string }) =>
      onData((context) => deps.data.writeoff(context, { gateway, ...options })),
    )
}

function declareStores({ program, onData }: Declaring): void {
  const stores = program.command('stores').description('The required stores and their generations.')
  stores
    .command('list')
    .description('Shows each required store, its generation, and whether it answers.')
    .option(...AS_JSON)
    .addHelpText('after', examples('stores list'))
    .action((options: Json) => onData((context) => runStoresList(context, options)))
  stores
    .command('renew')
    .description('Gives a store that was restored from a backup a new generation, so that what it lacks is filled.')
    .argument('<name>', 'the store')
    .addHelpText('after', examples('stores renew embedded'))
    .action((store: string) => onData((context) => runStoresRenew(context, { name: store })))
}

function declareReplay({ program, onData }: Declaring): void {
  program
    .command('replay')
    .description("Resets a store's consumer offsets, so that its sink writes again what the log still holds.")
    .requiredOption('--store <name>', 'the store')
    .requiredOption('--to <earliest|time>', 'where to go back to', timeOrEarliest)
    .addHelpText(
      'after',
      examples('replay --store embedded --to earliest', 'replay --store embedded --to 2026-03-01T00:00:00Z'),
    )
    .action((options: ReplayOptions) => onData((context) => runReplay(context, options)))
}

function declareQuarantine({ program, onData }: Declaring): void {
  const quarantine = program.command('quarantine').description('The dead letters: what could not land, with its cause.')
  quarantine
    .command('list')
    .description('Shows the open entries.')
    .option(...AS_JSON)
    .addHelpText('after', examples('quarantine list'))
    .action((options: Json) => onData((context) => runQuarantineList(context, options)))
  quarantine
    .command('show')
    .description('Shows one entry as JSON: cause, content where it can be decoded, first bytes.')
    .argument('<id>', 'as the list shows it')
    .addHelpText('after', examples('quarantine show 0199c0de-0000-7000-8000-000000000001'))
    .action((id: string) => onData((context) => runQuarantineShow(context, { id })))
  const closings = [
    [
      'redrive',
      'Sends entries again: readings land at the next free nanosecond, records go back to their topic.',
      runQuarantineRedrive,
    ],
    ['discard', 'Closes entries without sending them again; they stay on the topic.', runQuarantineDiscard],
  ] as const
  for (const [word, about, run] of closings) {
    const command = quarantine
      .command(word)
      .description(about)
      .argument('[id...]', 'entries, as the list shows them')
      .addOption(new Option('--all', 'every open entry'))
      .option('--reason <text>', 'kept in the closing record')
      .addHelpText(
        'after',
        examples(`quarantine ${word} 0199c0de-0000-7000-8000-000000000001`, `quarantine ${word} --all`),
      )
    command.action((ids: readonly string[], options: Omit<QuarantineChoice, 'ids'>) => {
      if (ids.length > 0 === (options.all === true)) command.error("error: expected either ids or '--all'")
      return onData((context) => run(context, { ids, ...options }))
    })
  }
}

function declareTopics({ program, onData }: Declaring): void {
  const topics = program.command('topics').description("The log's topics.")
  topics
    .command('list')
    .description('Shows each topic, what it holds, who writes and reads it, and whether it is as declared.')
    .option(...AS_JSON)
    .addHelpText('after', examples('topics list'))
    .action((options: Json) => onData((context) => runTopicsList(context, options)))
  topics
    .command('apply')
    .description('Creates the topics that are declared and missing; never changes partitions.')
    .addHelpText('after', examples('topics apply'))
    .action(() => onData(runTopicsApply))
}

function declareSchemas({ program, deps, onData }: Declaring): void {
  const schemas = program.command('schemas').description('Message types against the registry.')
  schemas
    .command('list')
    .description('Shows each message type, its fields, and whether it is registered.')
    .option(...AS_JSON)
    .addHelpText('after', examples('schemas list'))
    .action((options: Json) => onData((context) => runSchemasList(context, options)))
  schemas
    .command('check')
    .description('Says whether the registry would take the message types, or those in the files; writes nothing.')
    .argument('[file...]', 'files to check in place of the declared types')
    .addHelpText('after', examples('schemas check', 'schemas check soil_moisture.avsc'))
    .action(async (paths: readonly string[]) => {
      const files = await Promise.all(paths.map(async (path) => ({ path, text: await deps.readText(path) })))
      const texts = Object.fromEntries(files.map(({ path, text }) => [path, text]))
      await onData((context) => runSchemasCheck(context, { files }), { files: texts })
    })
  schemas
    .command('register')
    .description('Registers all message types or, when one is refused, none.')
    .addHelpText('after', examples('schemas register'))
    .action(() => onData(runSchemasRegister))
}

function declareExport({ program, deps, onData }: Declaring): void {
  program
    .command('export')
    .description('Writes the readings of a store to standard output, exactly as they are held.')
    .requiredOption('--store <name>', 'the store')
    .option('--gateway <id>', 'only of this gateway', name)
    .option('--type <t>', 'only of this message type', name)
    .option('--sensor <name>', 'only of this sensor', name)
    .option('--from <time>', 'from this time or day on', timeOrDay)
    .option('--to <time>', 'before this time or day', timeOrDay)
    .addOption(new Option('--format <format>', 'of the output').choices(['csv', 'ndjson', 'lp']).default('csv'))
    .addHelpText(
      'after',
      examples(
        'export --store embedded --type temperature > out.csv',
        'export --store embedded --format lp | gzip > all.lp.gz',
      ),
    )
    .action((options: ExportOptions) => onData((context) => deps.data.export(context, options)))
}

function declareDoctor({ program, onData }: Declaring): void {
  program
    .command('doctor')
    .description('Checks each engine and says what is wrong.')
    .option(...AS_JSON)
    .addHelpText('after', examples('doctor'))
    .action((options: Json) => onData((context) => runDoctor(context, options)))
}
