// JSON as text: looks into a document without building a tree of objects, keeps what it doesn't look
// at byte for byte, and never aborts on text that is no JSON. A plugin that reads what others wrote
// needs that: an abort is a crash.

const MAX_DEPTH: i32 = 64

/** Whether the text is one JSON value and nothing else. */
export function valid(json: string): bool {
  const end = endOfValue(json, 0, 0)
  return end >= 0 && afterSpace(json, end) == json.length
}

/** Whether the text begins like an object. */
export function isObject(json: string): bool {
  return at(json, afterSpace(json, 0)) == 0x7b
}

/** The text of an object's member; empty when there is none, or the text is no object. */
export function member(json: string, key: string): string {
  let i = afterSpace(json, 0)
  if (at(json, i) != 0x7b) return ''
  i = afterSpace(json, i + 1)
  while (at(json, i) == 0x22) {
    const endOfKey = endOfText(json, i)
    if (endOfKey < 0) return ''
    const name = textOf(json.substring(i, endOfKey))
    i = afterSpace(json, endOfKey)
    if (at(json, i) != 0x3a) return ''
    const start = afterSpace(json, i + 1)
    const end = endOfValue(json, start, 0)
    if (end < 0) return ''
    if (name !== null && name == key) return json.substring(start, end)
    i = afterSpace(json, end)
    if (at(json, i) != 0x2c) return ''
    i = afterSpace(json, i + 1)
  }
  return ''
}

/** The texts of an array's elements; none when the text is no array. */
export function elements(json: string): string[] {
  const list = new Array<string>()
  let i = afterSpace(json, 0)
  if (at(json, i) != 0x5b) return list
  i = afterSpace(json, i + 1)
  if (at(json, i) == 0x5d) return list
  while (true) {
    const start = afterSpace(json, i)
    const end = endOfValue(json, start, 0)
    if (end < 0) return list
    list.push(json.substring(start, end))
    i = afterSpace(json, end)
    if (at(json, i) != 0x2c) return list
    i++
  }
}

/** The characters of a JSON string; null when the text is something else. */
export function textOf(json: string): string | null {
  if (at(json, 0) != 0x22 || endOfText(json, 0) != json.length) return null
  const body = json.substring(1, json.length - 1)
  if (!body.includes('\\')) return body
  let text = ''
  for (let i = 0; i < body.length; i++) {
    if (at(body, i) != 0x5c) {
      text += body.charAt(i)
      continue
    }
    const escape = at(body, ++i)
    if (escape == 0x75) {
      text += String.fromCharCode(<i32>parseInt(body.substring(i + 1, i + 5), 16))
      i += 4
    } else if (escape == 0x62) text += '\b'
    else if (escape == 0x66) text += '\f'
    else if (escape == 0x6e) text += '\n'
    else if (escape == 0x72) text += '\r'
    else if (escape == 0x74) text += '\t'
    else text += String.fromCharCode(escape)
  }
  return text
}

/** A JSON number; NaN when the text is something else. */
export function numberOf(json: string): f64 {
  return json.length > 0 && endOfNumber(json, 0) == json.length ? parseFloat(json) : NaN
}

/** A text as JSON string. */
export function quote(text: string): string {
  let json = '"'
  for (let i = 0; i < text.length; i++) {
    const c = at(text, i)
    if (c == 0x22 || c == 0x5c) json += '\\' + text.charAt(i)
    else if (c < 0x20) json += '\\u00' + (c < 0x10 ? '0' : '') + c.toString(16)
    else json += text.charAt(i)
  }
  return json + '"'
}

/** A number as JSON: without the `.0` of whole numbers; `null` for what JSON can't say. */
export function fromNumber(value: f64): string {
  if (!isFinite(value)) return 'null'
  if (value == Math.trunc(value) && Math.abs(value) < 9007199254740992.0) return (<i64>value).toString()
  return value.toString()
}

function at(text: string, i: i32): i32 {
  return i < text.length ? text.charCodeAt(i) : -1
}

function afterSpace(json: string, i: i32): i32 {
  let c = at(json, i)
  while (c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09) c = at(json, ++i)
  return i
}

/** Where the value that begins at `i` ends; -1 when none begins there. */
function endOfValue(json: string, i: i32, depth: i32): i32 {
  i = afterSpace(json, i)
  const c = at(json, i)
  if (c == 0x22) return endOfText(json, i)
  if (c == 0x7b) return depth < MAX_DEPTH ? endOfList(json, i, depth, true) : -1
  if (c == 0x5b) return depth < MAX_DEPTH ? endOfList(json, i, depth, false) : -1
  if (c == 0x74) return json.substr(i, 4) == 'true' ? i + 4 : -1
  if (c == 0x66) return json.substr(i, 5) == 'false' ? i + 5 : -1
  if (c == 0x6e) return json.substr(i, 4) == 'null' ? i + 4 : -1
  return endOfNumber(json, i)
}

/** The end of an object (with `keys`) or an array. */
function endOfList(json: string, i: i32, depth: i32, keys: bool): i32 {
  const close = keys ? 0x7d : 0x5d
  i = afterSpace(json, i + 1)
  if (at(json, i) == close) return i + 1
  while (true) {
    if (keys) {
      i = afterSpace(json, i)
      if (at(json, i) != 0x22) return -1
      i = endOfText(json, i)
      if (i < 0) return -1
      i = afterSpace(json, i)
      if (at(json, i++) != 0x3a) return -1
    }
    i = endOfValue(json, i, depth + 1)
    if (i < 0) return -1
    i = afterSpace(json, i)
    const c = at(json, i++)
    if (c == close) return i
    if (c != 0x2c) return -1
  }
}

function endOfText(json: string, i: i32): i32 {
  while (true) {
    const c = at(json, ++i)
    if (c < 0x20) return -1
    if (c == 0x22) return i + 1
    if (c != 0x5c) continue
    const escape = at(json, ++i)
    if (escape == 0x75) {
      for (let digit = 0; digit < 4; digit++) if (!isHexDigit(at(json, ++i))) return -1
    } else if (escape < 0 || !'"\\/bfnrt'.includes(String.fromCharCode(escape))) return -1
  }
}

function endOfNumber(json: string, i: i32): i32 {
  if (at(json, i) == 0x2d) i++
  if (at(json, i) == 0x30) i++
  else if ((i = afterDigits(json, i)) < 0) return -1
  if (at(json, i) == 0x2e && (i = afterDigits(json, i + 1)) < 0) return -1
  if ((at(json, i) | 0x20) == 0x65) {
    i++
    if (at(json, i) == 0x2b || at(json, i) == 0x2d) i++
    i = afterDigits(json, i)
  }
  return i
}

/** The end of one or more digits; -1 when there is none. */
function afterDigits(json: string, i: i32): i32 {
  const start = i
  while (isDigit(at(json, i))) i++
  return i > start ? i : -1
}

function isDigit(c: i32): bool {
  return c >= 0x30 && c <= 0x39
}

function isHexDigit(c: i32): bool {
  return isDigit(c) || ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x66)
}
