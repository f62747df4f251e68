/** Numbers, spans and addresses as the page writes and reads them. */

import { describe, expect, test } from 'vitest'
import { bytes, counted, duration, positions, range, share, sizeOf } from '../../../infra/page/format.ts'
import { hashOf, type Route, routeOf } from '../../../infra/page/route.ts'

describe('what the page writes', () => {
  test.each([
    [0, 0, '100 %'],
    [1000, 1000, '100 %'],
    [999_999, 1_000_000, '99.9 %'],
    [1, 3, '33.3 %'],
    [1, 2, '50 %'],
  ])('never says of %i of %i more than is so: %s', (part, whole, text) => {
    expect(share(part, whole)).toBe(text)
  })

  test.each([
    [400, '0 s'],
    [50_000, '50 s'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [273_661_000, '3 d 4 h'],
    [86_400_000, '1 d'],
  ])('%i ms are %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_250_000, '1.3 MB'],
    [123_400_000_000, '123 GB'],
  ])('%i bytes are %s', (n, text) => {
    expect(bytes(n)).toBe(text)
  })

  test('counts ranges and shortens the epoch before them', () => {
    expect(counted(1, 'reading')).toBe('1 reading')
    expect(counted(1200, 'entry', 'entries')).toBe('1,200 entries')
    expect(range([7, 7])).toBe('7')
    expect(
      sizeOf([
        [1, 3],
        [7, 7],
      ]),
    ).toBe(4)
    expect(positions('0123456789abcdef0123:1200-1260')).toBe('01234567 1,200–1,260')
  })
})

describe('the address of a view', () => {
  test.each<Route>([
    { view: 'fleet', shown: 'all', search: '', sort: 'trouble' },
    { view: 'fleet', shown: 'silent', search: 'a&b=c?#', sort: 'missing' },
    { view: 'gateway', gateway: 'a:b,c=d@e+f%41' },
    { view: 'quarantine', code: 'value-wrong' },
    { view: 'quarantine', code: '' },
  ])('is found again: %j', (route) => {
    expect(routeOf(hashOf(route))).toEqual(route)
  })

  test.each(['', '#', '#/nothing/here', '#/?show=strange&sort=up', '#/gateway/'])(
    'is the whole fleet when it says nothing: %s',
    (hash) => {
      expect(routeOf(hash)).toEqual({ view: 'fleet', shown: 'all', search: '', sort: 'trouble' })
    },
  )

  test('that is written wrong still names a gateway', () => {
    expect(routeOf('#/gateway/50%')).toEqual({ view: 'gateway', gateway: '50%' })
  })
})
