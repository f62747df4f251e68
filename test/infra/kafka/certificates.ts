/** Certificates for tests: an authority of their own, a broker's, a client's. Made by `openssl`, which comes with the certificates that Java and Maven need. */

import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** PEM files. */
export interface Identity {
  readonly cert: string
  readonly key: string
  /** Both in one. */
  readonly keystore: string
}

const run = promisify(execFile)

/** An authority that signs itself; or, with `by`, who is vouched for by it. `host` is the name it answers to: `IP:127.0.0.1`, `DNS:elsewhere`. */
export async function identity(dir: string, name: string, by?: Identity, host = `DNS:${name}`): Promise<Identity> {
  const [cert, key, keystore] = ['crt', 'key', 'pem'].map((end) => join(dir, `${name}.${end}`)) as [
    string,
    string,
    string,
  ]
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key]
  const signedBy = by === undefined ? [] : ['-CA', by.cert, '-CAkey', by.key]
  const what = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${host}`, '-days', '2']
  await run('openssl', ['req', '-x509', ...newKey, ...signedBy, ...what, '-out', cert])
  await writeFile(keystore, (await readFile(key, 'utf8')) + (await readFile(cert, 'utf8')))
  return { cert, key, keystore }
}
