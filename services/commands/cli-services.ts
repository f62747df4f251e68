/** Declares the commands that run one service in a process of its own, as containers do. */

import type { Command } from 'commander'
import { AS_JSON, type Declaring, ending } from './cli-declaring.ts'
import { name, port } from './cli-values.ts'
import type { ServiceOptions } from './command-set.ts'
import type { ReconcileOptions } from './reconcile.ts'

type Word = ServiceOptions['service']

const SERVICES: readonly (readonly [service: Word, about: string, example: string])[] = [
  [
    'gateway',
    'Runs one gateway: its doors, its journal, and the way to the cloud. Accepts readings whether or not that is open.',
    'gateway --data /var/lib/tidemark',
  ],
  ['recovery', 'Runs recovery: keeps the ledger, asks gateways for what is missing, and gives receipts.', 'recovery'],
  ['sink', 'Runs the sink of one store: lands what is on the log in it.', 'sink --store mongodb'],
  ['status', 'Serves the page, the proof and the figures, from the ledger.', 'status --port 8080'],
  [
    'indexer',
    'Keeps an entry for every recording below RECORDING_ROOTS: also for those that came while the index was away.',
    'indexer --port 8081',
  ],
]

const RECONCILE_EXITS = { 0: 'equal', 1: 'a root differs, can not be believed or not be reached, or it failed' }
const EXITS = { 0: 'it was asked to end, by Ctrl-C or SIGTERM', 1: 'it could not start, or not go on' }

export function declareServiceCommands({ program, deps, given, here }: Declaring): void {
  for (const [service, about, example] of SERVICES) {
    const command = program
      .command(service)
      .description(about)
      .option('--port <n>', 'Port of its HTTP side, in place of HTTP_PORT; 0 takes a free one.', port)
      .addHelpText('after', ending({ examples: [example], exits: EXITS }))
      .action((options: Omit<ServiceOptions, 'service'>) =>
        here(() => deps.local.service(given(), { service, ...options })),
      )
    if (service === 'indexer') declareReconcile(command, { deps, given, here })
    if (service === 'sink') command.requiredOption('--store <store>', 'The store it writes to, one of STORES.', name)
  }
}

function declareReconcile(indexer: Command, { deps, given, here }: Omit<Declaring, 'program' | 'onData'>): void {
  indexer
    .command('reconcile')
    .description('Holds the files of every root against the index; a running indexer is not needed, and not disturbed.')
    .option(...AS_JSON)
    .option(
      '--accept-gone <root>',
      'What is missing from this root is meant to be gone: the next listing may mark it so.',
      name,
    )
    .addHelpText(
      'after',
      ending({
        examples: ['indexer reconcile', 'indexer reconcile --json', 'indexer reconcile --accept-gone recordings'],
        exits: RECONCILE_EXITS,
      }),
    )
    .action((options: ReconcileOptions) => here(() => deps.local.reconcile(given(), options)))
}
