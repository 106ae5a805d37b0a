// The service's answers are tables: an object with one array a column, and a column `time`.

import { elements, member, numberOf } from '../../shared/json'

/** One table of an answer. */
export class Table {
  private columns: Map<string, string[]> = new Map()

  /** `single`: the columns hold one value each instead of an array. */
  constructor(private json: string, private single: bool) {}

  /** How many rows there are. */
  get rows(): i32 {
    return this.column('time').length
  }

  /** Seconds since 1970 of a row. */
  time(row: i32): f64 {
    return this.number('time', row)
  }

  /** A value; NaN when it is missing. */
  number(name: string, row: i32): f64 {
    const column = this.column(name)
    return row < column.length ? numberOf(column[row]) : NaN
  }

  private column(name: string): string[] {
    if (!this.columns.has(name)) {
      const json = member(this.json, name)
      this.columns.set(name, !this.single ? elements(json) : json.length > 0 ? [json] : [])
    }
    return this.columns.get(name)
  }
}
