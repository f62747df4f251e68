/** What the driver throws becomes what a port promises, with a sentence on what to do. */

import { BSON, MongoNetworkError, MongoParseError, MongoServerError, MongoServerSelectionError } from 'mongodb'
import { expect, test } from 'vitest'
import { ledgerTrouble, storeTrouble } from '../../../infra/mongodb/trouble.ts'
import { TidemarkError } from '../../../services/core/errors.ts'

const server = (code: number, errmsg = 'as the server says') => new MongoServerError({ code, errmsg, ok: 0 })
const unreachable = (message: string) =>
  new MongoServerSelectionError(message, {} as ConstructorParameters<typeof MongoServerSelectionError>[1])

for (const [what, error, code, advice] of [
  ['a wrong password', server(18), 'store-misconfigured', /password.*authSource.*MONGODB_URL/],
  ['a user without the right', server(13), 'store-misconfigured', /role readWrite/],
  ['a name that is no database', server(73), 'store-misconfigured', /database.*MONGODB_URL/],
  ['a URL that is none', new MongoParseError('Invalid scheme'), 'store-misconfigured', /check MONGODB_URL/],
  ['a write concern nobody can keep', server(100), 'store-misconfigured', /replica set/],
  ['a document that is too large', server(10_334), 'batch-refused', /as the server says/],
  ['a value that is not taken', server(2), 'batch-refused', /as the server says/],
  [
    'what the driver cannot encode',
    new BSON.BSONError('key must not contain null bytes'),
    'batch-refused',
    /null bytes/,
  ],
  ['a connection that broke', new MongoNetworkError('closed'), 'store-unavailable', /closed/],
  ['a host without an address', unreachable('getaddrinfo ENOTFOUND x'), 'store-unavailable', /resolves.*MONGODB_URL/],
  [
    'a port nobody listens on',
    unreachable('connect ECONNREFUSED'),
    'store-unavailable',
    /MONGODB_URL, and that it runs/,
  ],
  ['a primary that steps down', server(11_602), 'store-unavailable', /as the server says/],
  ['a full disk', server(14_031), 'store-unavailable', /as the server says/],
  ['anything else', 'a text', 'store-unavailable', /a text/],
] as const) {
  test(`${what} is ${code} for a store, and for the ledger worth another try`, () => {
    const told = storeTrouble(error, 'the store m')
    expect(told.code).toBe(code)
    expect(told.message).toMatch(advice)
    expect(told.message).toContain('the store m')
    const ledger = ledgerTrouble(error, 'the ledger')
    expect([ledger.code, ledger.retryable]).toEqual(['ledger-unavailable', true])
  })
}

test('what is classed already stays as it is', () => {
  const closed = new TidemarkError('closed')
  expect(storeTrouble(closed, 'x')).toBe(closed)
  expect(ledgerTrouble(closed, 'x')).toBe(closed)
})
