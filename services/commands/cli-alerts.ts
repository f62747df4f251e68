/** Declares `tidemark alerts`. */

import type { AlertsListOptions, AlertsTestOptions } from './alerts.ts'
import { AS_JSON, type Declaring, ending } from './cli-declaring.ts'

export function declareAlertCommands({ program, deps, given, here }: Declaring): void {
  const alerts = program.command('alerts').description('Who is told of what, and what is open.')
  alerts
    .command('list')
    .description(
      'Shows the alerts that are open or were over within a day, as the processes of this data directory keep them; rules and channels.',
    )
    .option(...AS_JSON)
    .addHelpText('after', ending({ examples: ['alerts list', 'alerts list --json'] }))
    .action((options: AlertsListOptions) => here(() => deps.local.alertsList(given(), options)))
  alerts
    .command('test')
    .description('Sends an alert and its end, marked as a test, by every channel.')
    .option('--channel <name>', 'Only by this one: log, slack, pagerduty, mail or webhook.')
    .addHelpText(
      'after',
      ending({
        examples: ['alerts test', 'alerts test --channel mail'],
        exits: { 0: 'every channel has taken both', 1: 'one has not, or it failed' },
      }),
    )
    .action((options: AlertsTestOptions) => here(() => deps.local.alertsTest(given(), options)))
}
