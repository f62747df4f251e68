/** Asks before something is done: a dialog of the browser's own, with fields where it needs to know more. */

import { el } from './dom.ts'

export interface Field {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'datetime-local'
  readonly value: string
  readonly maxlength?: number
}

export interface Question {
  readonly title: string
  readonly text: string
  readonly confirm: string
  /** Can not be taken back. */
  readonly grave?: boolean
  readonly fields?: readonly Field[]
}

/** Resolves with the fields' values, or `undefined` when it is called off. */
export function ask(question: Question): Promise<Readonly<Record<string, string>> | undefined> {
  const fields = (question.fields ?? []).map(inputOf)
  const form = el(
    'form',
    { method: 'dialog' },
    el('h2', { id: 'question' }, question.title),
    el('p', {}, question.text),
    ...fields.map(({ element }) => element),
    el(
      'div',
      { class: 'answers' },
      // No submit button, or Enter in a field would press it.
      el('button', { type: 'button', click: () => dialog.close() }, 'Cancel'),
      el('button', { value: 'yes', class: question.grave === true ? 'grave' : 'strong' }, question.confirm),
    ),
  )
  const dialog = el('dialog', { 'aria-labelledby': 'question' }, form)
  const before = document.activeElement
  document.body.append(dialog)
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      if (before instanceof HTMLElement) before.focus({ preventScroll: true })
      if (dialog.returnValue !== 'yes') resolve(undefined)
      else resolve(Object.fromEntries(fields.map(({ name, input }) => [name, input.value.trim()])))
    })
  })
}

function inputOf({ name, label, type, value, maxlength }: Field) {
  const input = el('input', {
    name,
    type,
    value,
    required: true,
    maxlength,
    step: type === 'datetime-local' ? 1 : undefined,
  })
  return { name, input, element: el('label', { class: 'field' }, label, input) }
}

/** For a `datetime-local` field: whole seconds in the browser's own zone. */
export function localTime(ms: number): string {
  const date = new Date(ms)
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
