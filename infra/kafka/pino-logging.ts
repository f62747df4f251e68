/** The driver's log lines, as fields of ours and at levels that fit: what it calls an error is for it mostly the beginning of another try. */

import { type LogEntry, logLevel } from 'kafkajs'
import type { Logger } from 'pino'

/** Nothing of the driver is above debug: what matters to a user is thrown, and logged by who catches it. */
export function pinoLogging(logger: Logger): (level: logLevel) => (entry: LogEntry) => void {
  const driver = logger.child({ driver: 'kafkajs' })
  return () =>
    ({ level, namespace, log }) => {
      const { message, broker, groupId, error } = log
      const facts = { namespace, said: message, broker, groupId, error: error instanceof Error ? error.message : error }
      if (level === logLevel.DEBUG || level === logLevel.INFO) driver.trace(facts, 'the Kafka driver said')
      else driver.debug(facts, 'the Kafka driver complained')
    }
}

/** Debug lines of the driver hold whole requests: built only where somebody reads them. */
export function driverLevel(logger: Logger): logLevel {
  return logger.isLevelEnabled('trace')
    ? logLevel.INFO
    : logger.isLevelEnabled('debug')
      ? logLevel.WARN
      : logLevel.NOTHING
}
