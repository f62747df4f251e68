/** Whether what is missing from a root may be believed to be gone, or whether the root itself is wrong: not mounted, emptied, another folder. */

export interface GoneFacts {
  /** In the index, not on storage. */
  readonly extra: number
  /** In the index, and still there. */
  readonly present: number
  /** The root is not the folder it was when it was listed last. */
  readonly isOther: boolean
  /** So many may go at once without a question. */
  readonly goneMax: number
  /** A person has said that they are meant to be gone. */
  readonly accepted: boolean
}

/** `undefined` when they may be marked as gone; else why not. */
export function suspicion({ extra, present, isOther, goneMax, accepted }: GoneFacts): string | undefined {
  if (accepted || extra === 0) return undefined
  // A disk that is not mounted, however little was on it.
  if (isOther && present === 0)
    return `the root is another folder than before, and none of ${extra} recordings is there`
  if (extra <= goneMax) return undefined
  if (isOther)
    return `the root is another folder than before, and ${extra} of ${extra + present} recordings are not there`
  return extra > present ? `${extra} of ${extra + present} recordings are not there any more` : undefined
}
