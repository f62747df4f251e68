/** What the driver throws and the server answers, in the words of the ports. */

import type { Document } from 'mongodb'
import { TidemarkError } from '../../services/core/errors.ts'

/** `what`: for a person, which part of tidemark met it. */
export type Trouble = (error: unknown, what: string) => TidemarkError

/** What the server says of one document, or of a whole command. */
export interface ServerError {
  readonly code: number
  readonly message: string
}

/** Of a document whose `_id` is there already. */
export const TAKEN = new Set([11_000, 11_001, 12_582])

/** Of a document or a batch that no other try will make fit: size, types, names, the collection's own validator. */
const REFUSED = new Set([2, 9, 14, 22, 51, 52, 53, 55, 57, 121, 10_003, 10_334, 17_280, 17_419, 17_420])

/** By the server's code: what to mend. */
const ACCESS: ReadonlyMap<number, string> = new Map([
  [11, 'expected a user the server knows; check the name, the password and authSource in MONGODB_URL'],
  [18, 'expected a user and password the server takes; check them and authSource in MONGODB_URL'],
  [13, 'expected a user that may read and write this database; give it the role readWrite there'],
  [73, 'expected a name of a database; check the one in MONGODB_URL'],
  [13_297, 'the server has this database in other letters, large or small; check the name in MONGODB_URL'],
  [79, 'expected a replica set whose settings know write concern majority'],
  [100, 'expected a replica set that can keep write concern majority'],
  [8_000, 'check user and password in MONGODB_URL, and the limits of the cluster'],
])

/** By the name of the driver's error: what is wrong with the URL, or with what it names. */
const SETTINGS = /^Mongo(Parse|InvalidArgument|MissingCredentials|MissingDependency|Compatibility|API)Error$/

/** By what the message says, in this order. */
const AWAY: readonly (readonly [RegExp, string])[] = [
  [/ENOTFOUND|EAI_AGAIN/, 'expected a host name that resolves; check MONGODB_URL'],
  [/certificate|CERT_|ALTNAME|SSL|TLS/i, 'check tls and tlsCAFile in MONGODB_URL, and the certificate of the server'],
  [/ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/, 'expected a server there; check MONGODB_URL, and that it runs'],
  [/Server selection timed out/, 'expected a server that answers; check host, tls and replicaSet in MONGODB_URL'],
]

export function storeTrouble(error: unknown, what: string): TidemarkError {
  if (error instanceof TidemarkError) return error
  const { code, name, message } = fieldsOf(error)
  const fix = SETTINGS.test(name) ? 'check MONGODB_URL' : ACCESS.get(code)
  if (fix !== undefined) return new TidemarkError('store-misconfigured', said(what, message, fix), factsOf(code), error)
  if (isRefusal(code) || name === 'BSONError') {
    return new TidemarkError('batch-refused', said(what, message), factsOf(code), error)
  }
  return new TidemarkError('store-unavailable', said(what, message, adviceFor(message)), factsOf(code), error)
}

export function ledgerTrouble(error: unknown, what: string): TidemarkError {
  if (error instanceof TidemarkError) return error
  const { code, name, message } = fieldsOf(error)
  const fix = SETTINGS.test(name) ? 'check MONGODB_URL' : (ACCESS.get(code) ?? adviceFor(message))
  return new TidemarkError('ledger-unavailable', said(what, message, fix), factsOf(code), error)
}

export function isRefusal(code: number): boolean {
  return REFUSED.has(code)
}

/** Of documents, by their index in the command; what has none failed alone. */
export function writeErrorsOf(answer: Document): readonly (ServerError & { readonly index: number })[] {
  const errors = (answer.writeErrors ?? []) as readonly Document[]
  return errors.map(({ index, code, errmsg }) => ({
    index: Number(index),
    code: Number(code),
    message: String(errmsg ?? ''),
  }))
}

/** The writes may be undone by the next change of the primary: nothing of the answer counts. */
export function writeConcernErrorOf(answer: Document): ServerError | undefined {
  const error = answer.writeConcernError as Document | undefined
  if (error === undefined || error === null) return undefined
  return { code: Number(error.code), message: `write concern: ${String(error.errmsg ?? 'not reached')}` }
}

function factsOf(code: number): Readonly<Record<string, unknown>> {
  return Number.isNaN(code) ? {} : { code }
}

function adviceFor(message: string): string | undefined {
  return AWAY.find(([pattern]) => pattern.test(message))?.[1]
}

function said(what: string, message: string, fix?: string): string {
  return fix === undefined ? `${what}: ${message}` : `${what}: ${message}; ${fix}`
}

function fieldsOf(error: unknown): { readonly code: number; readonly name: string; readonly message: string } {
  const { code, name, message } = (typeof error === 'object' ? (error ?? {}) : {}) as Record<string, unknown>
  return {
    code: Number(code ?? Number.NaN),
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : String(error),
  }
}
