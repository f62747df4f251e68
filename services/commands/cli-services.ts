/** Declares the commands that run one service in a process of its own, as containers do. */

import { type Declaring, ending } from './cli-declaring.ts'
import { name, port } from './cli-values.ts'
import type { ServiceOptions } from './command-set.ts'

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
]

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
    if (service === 'sink') command.requiredOption('--store <store>', 'The store it writes to, one of STORES.', name)
  }
}
