/** Declares the commands about stores, topics, schemas and the quarantine, which need the data open. */

import { TidemarkError } from '../core/errors.ts'
import { AS_JSON, type Declaring, ending, type Json } from './cli-declaring.ts'
import { runDoctor } from './doctor.ts'
import {
  type QuarantineChoice,
  runQuarantineDiscard,
  runQuarantineList,
  runQuarantineRedrive,
  runQuarantineShow,
} from './quarantine.ts'
import { runSchemasCheck, runSchemasList, runSchemasRegister } from './schemas.ts'
import { runStoresList, runStoresRenew } from './stores.ts'
import { runTopicsApply, runTopicsList } from './topics.ts'

export function declareEngineCommands(declaring: Declaring): void {
  declareStores(declaring)
  declareQuarantine(declaring)
  declareTopics(declaring)
  declareSchemas(declaring)
  declareDoctor(declaring)
}

function declareStores({ program, onData }: Declaring): void {
  const stores = program.command('stores').description('The required stores and their generations.')
  stores
    .command('list')
    .description('Shows each required store, its generation, and whether it answers.')
    .option(...AS_JSON)
    .addHelpText(
      'after',
      ending({ examples: ['stores list'], exits: { 0: 'all answer', 1: 'one does not, or it failed' } }),
    )
    .action((options: Json) => onData((context) => runStoresList(context, options)))
  stores
    .command('renew')
    .description('Gives a store that was restored from a backup a new generation, so that what it lacks is filled.')
    .argument('<store>', 'The store, one of STORES.')
    .addHelpText('after', ending({ examples: ['stores renew embedded'] }))
    .action((store: string) => onData((context) => runStoresRenew(context, { name: store })))
}

function declareQuarantine({ program, onData }: Declaring): void {
  const quarantine = program.command('quarantine').description('The dead letters: what could not land, with its cause.')
  quarantine
    .command('list')
    .description('Shows the open entries.')
    .option(...AS_JSON)
    .addHelpText('after', ending({ examples: ['quarantine list', 'quarantine list --json'] }))
    .action((options: Json) => onData((context) => runQuarantineList(context, options)))
  quarantine
    .command('show')
    .description('Shows one entry as JSON: cause, content where it can be decoded, first bytes.')
    .argument('<id>', 'As the list shows it.')
    .addHelpText('after', ending({ examples: ['quarantine show 0199c0de-0000-7000-8000-000000000001'] }))
    .action((id: string) => onData((context) => runQuarantineShow(context, { id })))
  const closings = [
    [
      'redrive',
      'Sends entries again: readings land at the next free nanosecond, records go back to their topic.',
      runQuarantineRedrive,
      { 0: 'all were sent again', 1: 'one can not be sent again, or it failed' },
    ],
    ['discard', 'Closes entries without sending them again; they stay on the topic.', runQuarantineDiscard, {}],
  ] as const
  for (const [word, about, run, exits] of closings) {
    const command = quarantine
      .command(word)
      .description(about)
      .argument('[id...]', 'Entries, as the list shows them.')
      .option('--all', 'Every open entry.')
      .option('--reason <text>', 'Kept in the closing record.')
      .addHelpText(
        'after',
        ending({
          examples: [`quarantine ${word} 0199c0de-0000-7000-8000-000000000001`, `quarantine ${word} --all`],
          exits,
        }),
      )
    command.action((ids: readonly string[], options: Omit<QuarantineChoice, 'ids'>) => {
      if (ids.length > 0 === (options.all === true)) {
        command.error(`error: expected either ids or '--all', came ${ids.length > 0 ? 'both' : 'neither'}`)
      }
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
    .addHelpText(
      'after',
      ending({
        examples: ['topics list'],
        exits: { 0: 'all are as declared', 1: 'one is missing or differs, or it failed' },
      }),
    )
    .action((options: Json) => onData((context) => runTopicsList(context, options)))
  topics
    .command('apply')
    .description('Creates the topics that are declared and missing; never changes partitions.')
    .addHelpText('after', ending({ examples: ['topics apply'] }))
    .action(() => onData(runTopicsApply))
}

function declareSchemas({ program, deps, onData }: Declaring): void {
  const schemas = program.command('schemas').description('Message types against the registry.')
  schemas
    .command('list')
    .description('Shows each message type, its fields, and whether it is registered.')
    .option(...AS_JSON)
    .addHelpText('after', ending({ examples: ['schemas list'] }))
    .action((options: Json) => onData((context) => runSchemasList(context, options)))
  schemas
    .command('check')
    .description('Says whether the registry would take the message types, or those in the files; writes nothing.')
    .argument('[file...]', 'Files to check in place of the declared types.')
    .addHelpText(
      'after',
      ending({
        examples: ['schemas check', 'schemas check soil_moisture.avsc'],
        exits: { 0: 'all may be registered', 1: 'one would be refused, or it failed' },
      }),
    )
    .action(async (paths: readonly string[]) => {
      const files = await Promise.all(paths.map(async (path) => ({ path, text: await textIn(path, deps) })))
      const texts = Object.fromEntries(files.map(({ path, text }) => [path, text]))
      await onData((context) => runSchemasCheck(context, { files }), { files: texts })
    })
  schemas
    .command('register')
    .description('Registers all message types or, when one is refused, none.')
    .addHelpText('after', ending({ examples: ['schemas register'] }))
    .action(() => onData(runSchemasRegister))
}

/** A path that was typed wrong is wrong usage, as the process that is asked would say it, too. */
async function textIn(path: string, { readText }: Declaring['deps']): Promise<string> {
  try {
    return await readText(path)
  } catch (error) {
    if (error instanceof TidemarkError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new TidemarkError('usage-wrong', `expected a file that can be read, came ${path}: ${why}`, {}, error)
  }
}

function declareDoctor({ program, onData }: Declaring): void {
  program
    .command('doctor')
    .description('Checks each engine and says what is wrong.')
    .option(...AS_JSON)
    .addHelpText(
      'after',
      ending({ examples: ['doctor', 'doctor --json'], exits: { 0: 'all is well', 1: 'something is wrong' } }),
    )
    .action((options: Json) => onData((context) => runDoctor(context, options)))
}
