/** What no file of the repository may hold, whatever its kind: paths of one machine, and promises to finish later. */

import type { Complaint } from './source.ts'

const MACHINE_PATHS = /(?<![\w.~$}-])\/(work|root|home\/[a-z][\w-]*|Users\/\w+)\/|\b[A-Z]:\\Users\\/
const UNFINISHED = new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`)
/** Written by npm. */
const NOT_OURS = /^package-lock\.json$/

export function textComplaints({ path, text }: { readonly path: string; readonly text: string }): readonly Complaint[] {
  if (NOT_OURS.test(path)) return []
  return text
    .split('\n')
    .flatMap((line, i) => [
      ...(MACHINE_PATHS.test(line) ? [`${path}:${i + 1}: a path of one machine; derive it`] : []),
      ...(UNFINISHED.test(line)
        ? [`${path}:${i + 1}: an unfinished place; finish it, or say in words what is so`]
        : []),
    ])
}
